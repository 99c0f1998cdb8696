import { type Manifest, type ManifestEntity, manifestTotals, type RangeEntry, requiredFeatures } from '../archive/index.ts'
import type { TransferTarget } from './transfer-snapshot.ts'

/** An entity whose ranges lie in a bucket of the target, one chunk each. `reduced`: they are others than those that databases were asked about, which says nothing of them then. */
export function placedEntity(
  { change: { schema, ...change }, ...entity }: ManifestEntity,
  ranges: readonly RangeEntry[],
  bucket: string,
  reduced: boolean,
): ManifestEntity {
  const totals = { rows: 0, plainBytes: 0, storedBytes: 0 }
  for (const { rows, layers } of ranges) {
    totals.rows += rows
    for (const { plainBytes, storedBytes } of layers) {
      totals.plainBytes += plainBytes
      totals.storedBytes += storedBytes
    }
  }
  return {
    ...entity,
    ...totals,
    bucket,
    change: schema === undefined || reduced ? change : { ...change, schema },
    ranges: reduced ? ranges.map(({ digest: _digest, ...range }) => range) : ranges,
  }
}

/** The manifest of a snapshot of another repository, with its entities as they lie in the target. */
export function placedManifest(manifest: Manifest, entities: readonly ManifestEntity[], { repository, scope }: TransferTarget): Manifest {
  return {
    ...manifest,
    requiredFeatures: requiredFeatures(entities),
    repositoryId: repository.id,
    origin: manifest.origin ?? { repositoryId: manifest.repositoryId },
    scope: scope.id,
    entities,
    totals: manifestTotals(entities),
  }
}
