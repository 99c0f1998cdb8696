import { isChunkName } from './chunk-ref.ts'
import { corrupt, tooNew } from './archive-error.ts'
import type { Manifest, ManifestEntity, RangeEntry } from './manifest.ts'
import { requireKnownFeatures } from './object-container.ts'
import { sha256 } from './sha256.ts'

const EMPTY_SHA256 = sha256('')

/**
 * What a manifest has to fulfil beyond its schema: ranges without gap or overlap, counts that agree, layers that this version can merge. Held
 * against every manifest that is written or read.
 */
export function assertManifestRules(manifest: Manifest, object: string): void {
  requireKnownFeatures(manifest.requiredFeatures, object)
  for (const entity of manifest.entities) assertEntityRules(entity, `${object}, entity ${entity.descriptor.name}`)
  const rows = manifest.entities.reduce((sum, entity) => sum + entity.rows, 0)
  const { totals } = manifest
  if (totals.entities !== manifest.entities.length) throw corrupt(object, `${manifest.entities.length} entities where ${totals.entities} are declared`)
  if (totals.rows !== rows) throw corrupt(object, `${rows} rows where ${totals.rows} are declared`)
}

function assertEntityRules(entity: ManifestEntity, object: string): void {
  const { ranges, change } = entity
  let previous: string | null = null
  for (const [i, range] of ranges.entries()) {
    const where = `${object}, range ${i}`
    if (range.from !== previous || (i > 0 && range.from === null)) throw corrupt(where, 'does not begin where the range before it ends')
    if (range.evidence >= change.evidence.length) throw corrupt(where, 'refers to evidence that is not there')
    assertRangeRules(range, where)
    previous = range.to
  }
  if (ranges.length === 0 || previous !== null) throw corrupt(object, 'its ranges do not cover all keys')
  const rows = ranges.reduce((sum, range) => sum + range.rows, 0)
  if (rows !== entity.rows) throw corrupt(object, `${rows} rows in its ranges where ${entity.rows} are declared`)
}

/** Also for the ranges of a journal. */
export function assertRangeRules(range: Omit<RangeEntry, 'evidence'>, object: string): void {
  const [base, ...deltas] = range.layers
  if (deltas.length > 0 || (base && base.kind !== 'base')) throw tooNew(object, 'has delta chunks; this Holdfast reads base chunks')
  if (!base) {
    if (range.rows !== 0 || range.firstKey !== null || range.lastKey !== null || range.sha256 !== EMPTY_SHA256) throw corrupt(object, 'has rows, but no chunk')
    return
  }
  if (!isChunkName(base.name, base.sha256)) throw corrupt(object, 'names its chunk after other lines')
  if (range.rows !== base.rows || range.sha256 !== base.sha256) throw corrupt(object, 'does not agree with its chunk')
  if (range.rows === 0 || range.firstKey === null || range.lastKey === null) throw corrupt(object, 'has a chunk, but no rows')
}
