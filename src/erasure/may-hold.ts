import { type ChunkRef, type ChunkStore, type KeyIndex, parseDeltaText } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { SearchedRows } from './erased-rows.ts'

/** Whether a chunk names one of the subjects, or has a record that may refer to one of the values. By its key index alone. */
export async function mayHold(chunks: ChunkStore, chunk: ChunkRef, { isSubject, references }: SearchedRows, options: AbortableOptions): Promise<boolean> {
  const index = await chunks.readIndex(chunk, options)
  if (isSubject) for (const key of namedKeys(chunk, index)) if (isSubject(key)) return true
  for (const { fields, values } of references) {
    const [path, ...more] = fields
    if (path === undefined || more.length > 0) return true
    for (const text of values) {
      const [value] = JSON.parse(text) as [string]
      // A value is told apart from its spelling in the tuple: both ways of writing it are asked for.
      if (index.mayReference(path, value) || index.mayReference(path, JSON.stringify(value))) return true
    }
  }
  return false
}

/** Keys of its records and, of a delta, also of those that it deletes, and behind which new ones stand. */
export function* namedKeys({ kind }: Pick<ChunkRef, 'kind'>, index: KeyIndex): Generator<KeyText, void, undefined> {
  if (kind === 'base') return yield* index.keys()
  for (const text of index.keys()) {
    const { key } = parseDeltaText(text)
    if (key !== null) yield key
  }
}
