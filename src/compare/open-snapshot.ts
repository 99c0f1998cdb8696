import type { ChunkStore, Manifest, ManifestEntity } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { ErasedRows } from '../erasure/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { archivedShape, type EntityShape } from './entity-shape.ts'

/** A snapshot and the way to its chunks. */
export interface OpenSnapshot {
  /** Entities have the names that they are seen under; fields, keys and ranges are those of the archive. */
  readonly manifest: Manifest
  /** The chunks of a bucket. */
  chunks(bucket: string): Promise<ChunkStore>
  /** Records that are given to nobody, because they were erased before the snapshot was opened. Default: none. */
  erased?(options: AbortableOptions): Promise<ErasedRows>
  /** How the records of an entity of the manifest are seen. Default: as they are in the archive. Null where `upcast` has to find out more. */
  shape?(entity: ManifestEntity): EntityShape | null
  upcast?(entity: ManifestEntity, options: AbortableOptions): Promise<EntityShape>
}

/** How the records are seen, where that is known without reading any; else null. */
export function knownShapeOf(snapshot: OpenSnapshot, entity: ManifestEntity): EntityShape | null {
  return snapshot.shape && snapshot.upcast ? snapshot.shape(entity) : archivedShape(entity)
}

export async function shapeOf(snapshot: OpenSnapshot, entity: ManifestEntity, options: AbortableOptions): Promise<EntityShape> {
  return knownShapeOf(snapshot, entity) ?? snapshot.upcast!(entity, options)
}

/** Names of one entity, over all stores. */
export function entityId(store: string, name: string): string {
  return JSON.stringify([store, name])
}

/** Keys of records of an entity that are left out, as they are in the archive. */
export async function erasedIn(
  { erased }: Pick<OpenSnapshot, 'erased'>,
  { descriptor }: ManifestEntity,
  options: AbortableOptions,
): Promise<ReadonlySet<KeyText>> {
  return (await erased?.(options))?.of(descriptor.store, descriptor.name) ?? new Set()
}

/** Of the database that the entity was read from. */
export function dialectOf({ manifest }: Pick<OpenSnapshot, 'manifest'>, { descriptor }: ManifestEntity): string {
  return manifest.stores.find(({ name }) => name === descriptor.store)?.source.dialect ?? ''
}

export function idOf({ descriptor }: ManifestEntity): string {
  return entityId(descriptor.store, descriptor.name)
}

/**
 * Which entities are meant, by `Name` or `store.Name`; all when `names` is undefined.
 *
 * @throws `E_ENTITY_UNKNOWN` for a name that is in none of the manifests or means entities of several stores, `E_CONFIG` for an empty list.
 */
export function chosenEntities(manifests: readonly Manifest[], names: readonly string[] | undefined): (entity: ManifestEntity) => boolean {
  if (names === undefined) return () => true
  if (!Array.isArray(names) || names.length === 0) {
    throw new HoldfastError('E_CONFIG', '`entities` is not a list of names', { hint: 'Leave it out to compare all entities.' })
  }
  const chosen = new Set(names.map((name) => entityNamed(manifests, name)))
  return (entity) => chosen.has(idOf(entity))
}

/** The id of the one entity of that name. @throws `E_ENTITY_UNKNOWN` */
export function entityNamed(manifests: readonly Manifest[], name: string): string {
  const known = manifests.flatMap(({ entities }) => entities.map(({ descriptor }) => descriptor))
  const found = new Map<string, string>()
  for (const descriptor of known) {
    const full = `${descriptor.store}.${descriptor.name}`
    if (descriptor.name === name || full === name) found.set(entityId(descriptor.store, descriptor.name), full)
  }
  const [first, ...others] = found.keys()
  if (first !== undefined && others.length === 0) return first
  if (first === undefined) {
    const names = [...new Set(known.map((descriptor) => `"${descriptor.name}"`))]
    throw new HoldfastError('E_ENTITY_UNKNOWN', `no entity ${JSON.stringify(name)} here; there is ${names.join(', ') || 'none'}`)
  }
  throw new HoldfastError('E_ENTITY_UNKNOWN', `"${name}" is the name of entities of several stores`, { hint: `Say which: ${[...found.values()].join(', ')}.` })
}
