import { type Manifest, type ManifestEntity, type ManifestStore, schemaFingerprint } from '../archive/index.ts'
import type { EntityDescriptor, EntityMapping } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { type EntityEvolution, evolveEntity, unchangedEntity } from './entity-evolution.ts'
import type { SchemaChanges } from './schema-changes.ts'
import type { SchemaOutcome } from './schema-outcome.ts'

export interface EvolveManifestOptions {
  readonly stores: ReadonlyMap<string, EntityStore>
  /** Store of the snapshot → store that its records go to. Default: the same names. */
  readonly into?: Readonly<Record<string, string>>
  readonly changes: SchemaChanges
  /** Entities that were declared to be gone stay, as they were. Default: they are left out. */
  readonly keepRemoved?: boolean
}

/** A snapshot under the names of today. */
export interface EvolvedManifest {
  /** Entities have the names of today; fields, types and ranges are those of the archive. Entities that were declared to be gone are left out. */
  readonly manifest: Manifest
  readonly evolutionOf: (entity: ManifestEntity) => EntityEvolution
  /** The name that an entity of the manifest has in the archive. */
  readonly archivedName: (entity: ManifestEntity) => string
  /** Of entities that were declared to be gone. */
  readonly removed: readonly SchemaOutcome[]
}

/** The version of an entity that its descriptor alone tells: the same in every store, database and schema. */
export function entityVersion(descriptor: EntityDescriptor): string {
  const { schema: _, references, ...rest } = descriptor
  return schemaFingerprint([{ ...rest, store: '', references: references.map(({ schema: __, ...reference }) => reference) }])
}

/** Ties every entity of a snapshot to the one it is today: by declaration, by name, or by table. Asks no database. */
export function evolveManifest(manifest: Manifest, { stores, into = {}, changes, keepRemoved = false }: EvolveManifestOptions): EvolvedManifest {
  const archivedNames = new Map<ManifestEntity, string>()
  const evolutions = new Map<ManifestEntity, EntityEvolution>()
  const removed: SchemaOutcome[] = []
  const names = new Map<string, string>()
  const pairs: { readonly archived: ManifestEntity; readonly evolution: EntityEvolution }[] = []
  for (const archived of manifest.entities) {
    const { descriptor } = archived
    const live = stores.get(into[descriptor.store] ?? descriptor.store)
    const mapping = live && mappingOf(descriptor, manifest, live, changes)
    if (!mapping && changes.removed(descriptor.store, descriptor.name) !== null) {
      removed.push({ store: descriptor.store, entity: descriptor.name, kind: 'entity-removed', from: descriptor.name, to: null })
      if (!keepRemoved) continue
    }
    const migrations = manifest.stores.find(({ name }) => name === descriptor.store)?.migrations ?? []
    const evolution = mapping
      ? evolveEntity({
          archived: descriptor,
          ignored: archived.ignored,
          mapping,
          changes: changes.of(live.name, mapping.name),
          versions: () => [entityVersion(descriptor), ...migrations],
        })
      : unchangedEntity(descriptor)
    names.set(idOf(descriptor.store, descriptor.name), evolution.entity)
    pairs.push({ archived, evolution })
  }
  const nameOf = (store: string, name: string) => names.get(idOf(store, name)) ?? name
  const entities = pairs.map(({ archived, evolution }) => {
    const entity = { ...archived, descriptor: renamed(archived.descriptor, evolution.entity, nameOf) }
    evolutions.set(entity, evolution)
    archivedNames.set(entity, archived.descriptor.name)
    return entity
  })
  return {
    manifest: { ...manifest, entities, stores: manifest.stores.map((store) => withNames(store, nameOf)) },
    evolutionOf: (entity) => evolutions.get(entity) ?? unchangedEntity(entity.descriptor),
    archivedName: (entity) => archivedNames.get(entity) ?? entity.descriptor.name,
    removed,
  }
}

/** A name that is still somebody's is his. A table that moved to another entity goes there only when nobody else of the snapshot is called so. */
function mappingOf({ store, name, schema, table }: EntityDescriptor, manifest: Manifest, live: EntityStore, changes: SchemaChanges): EntityMapping | null {
  const { entities } = live.mapping
  const declared = entities.find((entity) => changes.of(live.name, entity.name).names.includes(name))
  const named = entities.find((entity) => entity.name === name)
  if (declared ?? named) return (declared ?? named)!
  if (changes.removed(store, name) !== null) return null
  const taken = (entity: EntityMapping) => manifest.entities.some(({ descriptor }) => descriptor.store === store && descriptor.name === entity.name)
  return (
    entities.find((entity) => entity.table === table && (entity.schema === undefined || schema === undefined || entity.schema === schema) && !taken(entity)) ??
    null
  )
}

function renamed(descriptor: EntityDescriptor, name: string, nameOf: (store: string, name: string) => string): EntityDescriptor {
  const references = descriptor.references.map((reference) =>
    reference.entity === undefined ? reference : { ...reference, entity: nameOf(descriptor.store, reference.entity) },
  )
  const { inherits } = descriptor
  return { ...descriptor, name, references, ...(inherits === undefined ? {} : { inherits: nameOf(descriptor.store, inherits) }) }
}

function withNames(store: ManifestStore, nameOf: (store: string, name: string) => string): ManifestStore {
  return { ...store, sequences: store.sequences.map((sequence) => ({ ...sequence, entity: nameOf(store.name, sequence.entity) })) }
}

function idOf(store: string, name: string): string {
  return JSON.stringify([store, name])
}
