import type { Manifest, ManifestEntity, RangeEntry } from '../archive/index.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'

/** Do both say the same of the same records? Where chunks lie, how they are compressed and sealed, and where the ranges begin is left out of account. */
export function sameContent(a: Manifest, b: Manifest): boolean {
  return (
    canonicalJson(factsOf(a)) === canonicalJson(factsOf(b)) &&
    a.entities.length === b.entities.length &&
    a.entities.every((entity, i) => sameRecords(entity, b.entities[i]!))
  )
}

function factsOf({ snapshotId, plan, tenant, times, stores, entities }: Manifest): unknown {
  return { snapshotId, plan, tenant: tenant ?? null, times, stores, entities: entities.map(({ descriptor, rows }) => ({ descriptor, rows })) }
}

function sameRecords({ ranges: a }: ManifestEntity, { ranges: b }: ManifestEntity): boolean {
  const [mine, theirs] = [a, b].map((ranges) => ranges.filter(({ rows }) => rows > 0))
  return mine!.length === theirs!.length && mine!.every((range, i) => sameRange(range, theirs![i]!))
}

/** Layers have no hash of what they merge into, perhaps: then their keys have to do. */
function sameRange(a: RangeEntry, b: RangeEntry): boolean {
  const known = a.sha256 !== null && b.sha256 !== null
  return a.rows === b.rows && a.firstKey === b.firstKey && a.lastKey === b.lastKey && (!known || a.sha256 === b.sha256)
}
