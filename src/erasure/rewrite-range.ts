import {
  type ChunkStore,
  createChunkEncoder,
  createLineMarker,
  type ManifestEntity,
  type RangeEntry,
  readRange,
  sha256,
  type StoredChunk,
} from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { DEFAULT_POLICY } from '../plan/backup-policy.ts'
import { withoutErased } from './without-erased.ts'

export interface RewriteOptions extends AbortableOptions {
  readonly from: ChunkStore
  readonly to: ChunkStore
  readonly entity: ManifestEntity
  readonly range: RangeEntry
  readonly erased: ReadonlySet<KeyText>
}

/** The records of a range as one chunk: its layers merged, without those that are erased. */
export async function rewriteRange({
  from,
  to,
  entity,
  range,
  erased,
  signal,
}: RewriteOptions): Promise<{ readonly entry: RangeEntry; readonly stored: StoredChunk | null }> {
  const { descriptor } = entity
  const references = [...new Set(descriptor.references.flatMap(({ fields }) => fields))]
  const mark = createLineMarker({ keyFields: descriptor.key.length, references }, from.label(range.layers[0]!))
  const encoder = createChunkEncoder({ compression: DEFAULT_POLICY.compression, level: DEFAULT_POLICY.level, references })
  const lines = readRange(from, range, { signal })
  for await (const piece of erased.size > 0 ? withoutErased(descriptor, erased, lines) : lines) await encoder.append(mark(piece))
  const { digest, ...rest } = range
  const kept = encoder.rows === range.rows && digest !== undefined ? { digest } : {}
  if (encoder.rows === 0) return { entry: { ...rest, rows: 0, sha256: sha256(''), firstKey: null, lastKey: null, layers: [] }, stored: null }
  const stored = await to.put(await encoder.finish(), { signal })
  const { ref, firstKey, lastKey } = stored
  return { entry: { ...rest, ...kept, rows: ref.rows, sha256: ref.sha256, firstKey, lastKey, layers: [ref] }, stored }
}
