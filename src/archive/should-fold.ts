import type { RangeEntry } from './manifest.ts'

/** Deltas over one base. Each costs a reader two more objects, and a manifest 400 bytes. */
export const MAX_DELTAS = 8
/** Plain bytes of the deltas, as a share of the base's: what reading the range costs more than it must, at the most. */
export const MAX_DELTA_SHARE = 0.25
/** Records that are left, as a share of the base's: below it, most of what is stored and read is deleted. */
export const MIN_LEFT_SHARE = 0.5

/** Should the layers of this range be made one base chunk (`foldLayers`)? Says nothing of a range without deltas. */
export function shouldFold({ layers, rows }: Pick<RangeEntry, 'layers' | 'rows'>): boolean {
  const [base, ...deltas] = layers
  if (!base || deltas.length === 0) return false
  const deltaBytes = deltas.reduce((sum, { plainBytes }) => sum + plainBytes, 0)
  return deltas.length > MAX_DELTAS || deltaBytes > base.plainBytes * MAX_DELTA_SHARE || rows < base.rows * MIN_LEFT_SHARE
}
