import { type Manifest, type ManifestEntity, manifestTotals, type RangeEntry, rangeTotals, requiredFeatures } from '../archive/index.ts'
import type { TransferTarget } from './transfer-snapshot.ts'

/** An entity whose ranges lie in a bucket of the target, one chunk each. `reduced`: they are others than those that databases were asked about, which says nothing of them then. */
export function placedEntity(
  { change: { schema, ...change }, ...entity }: ManifestEntity,
  ranges: readonly RangeEntry[],
  bucket: string,
  reduced: boolean,
): ManifestEntity {
  return {
    ...entity,
    ...rangeTotals(ranges),
    bucket,
    change: schema === undefined || reduced ? change : { ...change, schema },
    ranges: reduced ? ranges.map(({ digest: _digest, ...range }) => range) : ranges,
  }
}

/** The manifest of a snapshot of another repository, with its entities as they lie in the target. It stands in nobody's place there. */
export function placedManifest(
  { replaces: _replaces, ...manifest }: Manifest,
  entities: readonly ManifestEntity[],
  { repository, scope }: TransferTarget,
): Manifest {
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
