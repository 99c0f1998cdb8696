import type { RangeEntry } from '../archive/index.ts'
import type { KnownRange } from '../contracts/key-range.ts'

/** A range with the chunks that hold it, as journal and manifest keep it. */
export interface StoredRange extends KnownRange {
  readonly entry: Omit<RangeEntry, 'evidence'>
  /** Read in, or proved unchanged under, the view of this attempt. Only such ranges reach a manifest. */
  readonly current: boolean
}

export function storedRange(entry: Omit<RangeEntry, 'evidence'>, evidence: KnownRange['evidence'], current: boolean): StoredRange {
  const { from, to, rows, sha256, digest } = entry
  return { range: { from, to }, rows, sha256, ...(digest === undefined ? {} : { digest }), evidence, entry, current }
}

export function plainBytesOf(entry: Pick<RangeEntry, 'layers'>): number {
  return entry.layers.reduce((sum, layer) => sum + layer.plainBytes, 0)
}
