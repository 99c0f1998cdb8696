import type { Manifest, ManifestEntity } from '../archive/index.ts'
import { type EntityShape, idOf, namedShape, type OpenSnapshot, upcastShape } from '../compare/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { type ErasedRows, erasedOfSnapshot } from '../erasure/index.ts'
import { type EvolvedManifest, evolveManifest, type SchemaChanges, unchangedEntity } from '../evolution/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { IBackupPlanRegistry } from '../plan/index.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import { isByRow, liveStoresOf } from './scoped-stores.ts'
import { namesToday } from './names-today.ts'
import { SEEN_AS, type SeenAs } from './seen-as.ts'
import type { FoundSnapshot } from './snapshot-finder.ts'

export interface OpenSnapshotParts {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly schema: SchemaChanges
  readonly plans: IBackupPlanRegistry
}

export interface SnapshotLook extends AbortableOptions {
  readonly as: SeenAs
}

/** @throws `E_CONFIG` */
export function checkedSeenAs(as: SeenAs = 'today'): SeenAs {
  if (SEEN_AS.includes(as)) return as
  throw new HoldfastError('E_CONFIG', `\`as\` is ${JSON.stringify(as)}; expected ${SEEN_AS.map((name) => `"${name}"`).join(', ')}`)
}

/**
 * A snapshot under the names that it is seen under. Nothing of it is left out: what was declared to be gone is there as it was.
 *
 * @throws `E_SCHEMA_DRIFT` where two of its entities would be one
 */
export function seenManifest(manifest: Manifest, { stores, schema }: Pick<OpenSnapshotParts, 'stores' | 'schema'>, as: SeenAs): EvolvedManifest {
  if (as === 'archived')
    return { manifest, evolutionOf: ({ descriptor }) => unchangedEntity(descriptor), archivedName: ({ descriptor }) => descriptor.name, removed: [] }
  const evolved = evolveManifest(manifest, { stores, changes: schema, keepRemoved: true })
  const seen = new Map<string, ManifestEntity>()
  for (const entity of evolved.manifest.entities) {
    const other = seen.get(idOf(entity))
    if (other) {
      throw new HoldfastError(
        'E_SCHEMA_DRIFT',
        `"${evolved.archivedName(other)}" and "${evolved.archivedName(entity)}" of snapshot ${manifest.snapshotId} would both be "${entity.descriptor.name}" of today`,
        { hint: "Look at what renamedFrom() says, or read them as they were stored: { as: 'archived' }." },
      )
    }
    seen.set(idOf(entity), entity)
  }
  return evolved
}

/** A snapshot of any bucket, its chunks found in the buckets that its manifest names. */
export function openSnapshot(
  { manifest: stored, repository }: Pick<FoundSnapshot, 'manifest' | 'repository'>,
  parts: OpenSnapshotParts,
  { as, signal }: SnapshotLook,
): OpenSnapshot & Pick<EvolvedManifest, 'archivedName' | 'evolutionOf'> {
  const { repositories, stores, schema, plans } = parts
  const { manifest, evolutionOf, archivedName } = seenManifest(stored, parts, as)
  const chunks = async (bucket: string) => (await repositories.existing(bucket, { signal })).scope(stored.scope).chunks
  const { erasures } = repository.scope(stored.scope)
  // Whoever reads the snapshot as it was stored is told of no name of today; what was erased under it is left out all the same.
  const today = as === 'today' ? { manifest, archivedName } : evolveManifest(stored, { stores, changes: schema })
  const nameToday = namesToday(today)

  let erased: Promise<ErasedRows> | null = null
  const findErased = (looking: AbortableOptions) => {
    erased ??= erasedOfSnapshot({ manifest: stored, chunks, erasures, nameToday }, looking).then((rows) => renamed(rows, { manifest, archivedName }))
    // One that failed, or was given up, is no answer for who asks next.
    erased.catch(() => (erased = null))
    return erased
  }
  const shapes = new Map<ManifestEntity, Promise<EntityShape>>()
  const findShape = async (entity: ManifestEntity, looking: AbortableOptions): Promise<EntityShape> => {
    const { store: name } = entity.descriptor
    return upcastShape({
      entity,
      evolution: evolutionOf(entity),
      dialect: stored.stores.find((store) => store.name === name)?.source.dialect ?? '',
      store: async () => (await liveStoresOf({ planId: stored.plan.id, tenant: stored.tenant ?? null, byRow: isByRow(stored) }, stores, plans)).get(name)!,
      chunks: () => chunks(entity.bucket),
      erased: (await findErased(looking)).of(name, entity.descriptor.name),
      ...looking,
    })
  }
  return {
    manifest,
    evolutionOf,
    archivedName,
    chunks,
    erased: findErased,
    shape: (entity) => namedShape(entity, evolutionOf(entity)),
    upcast(entity, looking) {
      const shape = shapes.get(entity) ?? findShape(entity, looking)
      shapes.set(entity, shape)
      shape.catch(() => shapes.delete(entity))
      return shape
    },
  }
}

/** Under the names that the entities are seen under. */
function renamed({ of, counts }: ErasedRows, { manifest, archivedName }: Pick<EvolvedManifest, 'manifest' | 'archivedName'>): ErasedRows {
  const named = manifest.entities.map((entity) => ({ store: entity.descriptor.store, seen: entity.descriptor.name, stored: archivedName(entity) }))
  return {
    of: (store, entity) => of(store, named.find((one) => one.store === store && one.seen === entity)?.stored ?? entity),
    counts: counts.map((count) => ({ ...count, entity: named.find((one) => one.store === count.store && one.stored === count.entity)?.seen ?? count.entity })),
  }
}
