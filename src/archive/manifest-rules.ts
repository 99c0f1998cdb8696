import { corrupt } from './archive-error.ts'
import { type ChunkRef, isChunkName } from './chunk-ref.ts'
import { LIMITS } from './limits.ts'
import type { Manifest, ManifestEntity, RangeEntry } from './manifest.ts'
import { DELTA_FEATURE, ENCRYPTION_FEATURE, requireKnownFeatures } from './object-container.ts'
import { areBounds } from './reference-bounds.ts'
import { sha256 } from './sha256.ts'

const EMPTY_SHA256 = sha256('')

/**
 * What a manifest has to fulfil beyond its schema: ranges without gap or overlap, counts that agree, layers of the right kinds. Held against
 * every manifest that is written or read.
 */
export function assertManifestRules(manifest: Manifest, object: string): void {
  requireKnownFeatures(manifest.requiredFeatures, object)
  for (const feature of requiredFeatures(manifest.entities)) {
    if (manifest.requiredFeatures.includes(feature)) continue
    throw corrupt(object, feature === ENCRYPTION_FEATURE ? 'names a chunk after other lines' : `has ${feature} chunks, but does not say so`)
  }
  assertStores(manifest, object)
  for (const entity of manifest.entities) assertEntityRules(entity, `${object}, entity ${entity.descriptor.name}`)
  const rows = manifest.entities.reduce((sum, entity) => sum + entity.rows, 0)
  const { totals } = manifest
  if (totals.entities !== manifest.entities.length) throw corrupt(object, `${manifest.entities.length} entities where ${totals.entities} are declared`)
  if (totals.rows !== rows) throw corrupt(object, `${rows} rows where ${totals.rows} are declared`)
  // Snapshots that stand in each other's place would be gone through without end, and one in its own be hidden for it.
  if (manifest.replaces && manifest.replaces.snapshotId >= manifest.snapshotId) throw corrupt(object, 'stands in the place of a snapshot that is not before it')
}

/** A restore goes store by store: an entity of none of them would be left out, and one that stands twice be restored over itself. */
function assertStores({ stores, entities }: Manifest, object: string): void {
  const names = new Set(stores.map(({ name }) => name))
  if (names.size < stores.length) throw corrupt(object, 'names a store twice')
  const seen = new Set<string>()
  for (const { store, name } of entities.map(({ descriptor }) => descriptor)) {
    if (!names.has(store)) throw corrupt(object, `has ${name} of the store ${store}, which it does not list`)
    if (seen.size === seen.add(JSON.stringify([store, name])).size) throw corrupt(object, `has ${name} of the store ${store} twice`)
  }
}

/** What a reader must understand to read these entities: an older one refuses the manifest instead of reading half of it. */
export function requiredFeatures(entities: readonly Pick<ManifestEntity, 'ranges'>[]): readonly string[] {
  const any = (of: (chunk: ChunkRef) => boolean) => entities.some(({ ranges }) => ranges.some(({ layers }) => layers.some(of)))
  return [
    ...(any(({ kind }) => kind === 'delta') ? [DELTA_FEATURE] : []),
    // Chunks are named under a key; that the name is right is seen where the key is.
    ...(any(({ name, sha256: plain }) => !isChunkName(name, plain)) ? [ENCRYPTION_FEATURE] : []),
  ]
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
  for (const bounds of range.layers.flatMap(({ references = [] }) => references))
    if (!areBounds(bounds)) throw corrupt(object, `has bounds of ${bounds.field} that are none`)
  const [base, ...deltas] = range.layers
  if (!base) {
    if (range.rows !== 0 || range.firstKey !== null || range.lastKey !== null || range.sha256 !== EMPTY_SHA256) throw corrupt(object, 'has rows, but no chunk')
    return
  }
  if (range.layers.length > LIMITS.layers) throw corrupt(object, `has ${range.layers.length} layers; at most ${LIMITS.layers} are read`)
  if (base.kind !== 'base' || base.deletes !== undefined || base.anchors !== undefined) throw corrupt(object, 'its first layer is not a base chunk')
  for (const delta of deltas) assertDelta(delta, object)
  if (range.rows === 0 || range.firstKey === null || range.lastKey === null) throw corrupt(object, 'has a chunk, but no rows')
  if (deltas.length === 0 && (range.rows !== base.rows || range.sha256 !== base.sha256)) throw corrupt(object, 'does not agree with its chunk')
  const sum = (of: (delta: ChunkRef) => number) => deltas.reduce((total, delta) => total + of(delta), base.rows)
  if (range.rows > sum(upsertsOf) || range.rows < sum(({ deletes = 0 }) => -deletes)) throw corrupt(object, 'does not agree with its layers')
}

function assertDelta(delta: ChunkRef, object: string): void {
  if (delta.kind !== 'delta' || delta.deletes === undefined || delta.anchors === undefined)
    throw corrupt(object, 'has a layer above the base that is no delta chunk')
  if (delta.deletes + upsertsOf(delta) < 1 || upsertsOf(delta) < 0) throw corrupt(object, 'has a delta chunk without changes')
}

function upsertsOf({ rows, deletes = 0, anchors = 0 }: ChunkRef): number {
  return rows - deletes - anchors
}
