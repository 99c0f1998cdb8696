import type { Manifest, ManifestEntity, RangeEntry } from './manifest.ts'

/** Sums over all entities of a snapshot, as its manifest has them. */
export function manifestTotals(entities: readonly ManifestEntity[]): Manifest['totals'] {
  const totals = { entities: entities.length, rows: 0, plainBytes: 0, storedBytes: 0, chunks: 0 }
  for (const { rows, plainBytes, storedBytes, ranges } of entities) {
    totals.rows += rows
    totals.plainBytes += plainBytes
    totals.storedBytes += storedBytes
    for (const { layers } of ranges) totals.chunks += layers.length
  }
  return totals
}

/** Sums over the ranges of an entity. */
export function rangeTotals(ranges: readonly RangeEntry[]): Pick<ManifestEntity, 'rows' | 'plainBytes' | 'storedBytes'> {
  const totals = { rows: 0, plainBytes: 0, storedBytes: 0 }
  for (const { rows, layers } of ranges) {
    totals.rows += rows
    for (const { plainBytes, storedBytes } of layers) {
      totals.plainBytes += plainBytes
      totals.storedBytes += storedBytes
    }
  }
  return totals
}
