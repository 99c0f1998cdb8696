import type { Manifest, ManifestEntity } from './manifest.ts'

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
