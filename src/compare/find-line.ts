import { type ChunkStore, findRecord, type ManifestEntity } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { rangeContent } from './range-content.ts'
import { createRangeFinder } from './range-finder.ts'

/** Key indexes read at once where a key may be anywhere. */
const PARALLEL = 6

/** What was found of one key in ranges, by their content: a range that was looked at is not looked at again, whichever snapshot has it. */
export type RangeMemory = Map<string, Uint8Array | null>

export interface FindLineOptions extends AbortableOptions {
  readonly entity: ManifestEntity
  /** Of the database that it was read from. */
  readonly dialect: string
  readonly chunks: ChunkStore
  readonly key: KeyText
  /** Of this key and entity alone. */
  readonly memory?: RangeMemory
}

/** The line of one record, without its 0x0A; null when the entity does not have the key. */
export async function findLine({ entity, dialect, chunks, key, memory = new Map(), signal }: FindLineOptions): Promise<Uint8Array | null> {
  const ranges = createRangeFinder(entity, dialect)(key)
  for (const range of ranges) {
    const line = memory.get(rangeContent(range))
    if (line) return line
  }
  const unknown = ranges.filter((range) => !memory.has(rangeContent(range)))
  const look = async (range: (typeof ranges)[number]) => {
    const line = await findRecord(chunks, range, key, { signal })
    memory.set(rangeContent(range), line === null ? null : Buffer.from(line))
    return line
  }
  // The likeliest by itself: mostly it is there, and then no other is read.
  const [likely, ...others] = unknown
  const line = likely ? await look(likely) : null
  if (line) return line
  for await (const found of mapOrdered(others, PARALLEL, look)) if (found) return found
  return null
}
