import { createDeltaEncoder, foldLayers, layerDelta, type MergedFacts, shouldFold, type StoredChunk } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import type { BackupPolicy } from '../plan/backup-policy.ts'
import type { RangeChange } from './diff-keys.ts'
import type { EntityCopy } from './entity-copy.ts'
import { plainBytesOf, type StoredRange } from './stored-range.ts'
import { unlessUnreadable } from './unless-unreadable.ts'

/** A record line as a view gave it. */
export interface LiveLine {
  readonly batch: RecordBatch
  readonly row: number
}

export interface StoreDeltaOptions {
  readonly policy: BackupPolicy
  readonly signal: AbortSignal
  readonly onStored: (bytes: number) => void
}

/**
 * Layers the changes over what is stored of the range, and folds the layers into one when they have grown: in the storage alone. False when the range must be read
 * whole: what is stored cannot be read, or the result does not have the rows that the view counted.
 */
export async function storeDelta(
  copy: EntityCopy,
  known: StoredRange,
  changes: readonly RangeChange[],
  lines: ReadonlyMap<KeyText, LiveLine>,
  expected: MergedFacts & { readonly rows: number },
  { policy, signal, onStored }: StoreDeltaOptions,
): Promise<boolean> {
  const { compression, level } = policy
  const encoding = { compression, level, references: copy.references }
  const encoder = createDeltaEncoder(encoding)
  for (const change of changes) {
    if (change.do === 'anchor') encoder.anchor(change.key)
    else if (change.do === 'delete') await encoder.delete(change.key!)
    else {
      const { batch, row } = lines.get(change.key!)!
      await encoder.upsert(batch, row, row + 1)
      copy.meter.advance(1, lengthOf(batch, row))
    }
  }
  const delta = await copy.chunks.put(await encoder.finish(), { signal })
  reportStored(delta, onStored)
  const { rows, ...facts } = expected
  const entries = await unlessUnreadable(async () => {
    const entry = await layerDelta(copy.chunks, known.entry, delta, facts, { signal })
    if (entry.rows !== rows) return null
    if (!shouldFold(entry)) return [entry]
    const folded = await foldLayers(copy.chunks, entry, { ...encoding, keyFields: copy.descriptor.key.length, chunkBytes: policy.chunkBytes, signal })
    for (const { chunk } of folded) reportStored(chunk, onStored)
    return folded.length > 0 ? folded.map(({ range }) => range) : [entry]
  })
  if (!entries) return false
  for (const each of entries) copy.stored(each)
  const untouched = Math.max(0, rows - encoder.upserts)
  copy.meter.reuse(untouched, Math.round((plainBytesOf(known.entry) * untouched) / Math.max(1, known.rows)))
  return true
}

function reportStored({ written, ref }: StoredChunk, onStored: StoreDeltaOptions['onStored']): void {
  if (written) onStored(ref.storedBytes + ref.index.storedBytes)
}

function lengthOf({ marks, stride }: RecordBatch, row: number): number {
  return marks[row * stride]! - (row === 0 ? 0 : marks[(row - 1) * stride]!)
}
