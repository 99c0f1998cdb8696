import type { Manifest, ManifestEntity } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { RestoreRequest } from './restore-request.ts'

/** The chosen entities of one live store. */
export interface StoreSelection {
  readonly store: EntityStore
  /** Name of the store in the snapshot. */
  readonly from: string
  readonly entities: readonly ManifestEntity[]
}

/** Finds what the request names in the snapshot and the stores it goes to. Every unknown name is reported at once. */
export function selectEntities(manifest: Manifest, request: RestoreRequest, stores: ReadonlyMap<string, EntityStore>): StoreSelection[] {
  const chosen = choose(manifest, request.entities)
  const into = request.into ?? {}
  const strangers = Object.keys(into).filter((name) => !manifest.stores.some((store) => store.name === name))
  if (strangers.length > 0) {
    throw new HoldfastError('E_STORE_UNKNOWN', `the snapshot has no store ${list(strangers)}; it has ${list(manifest.stores.map(({ name }) => name))}`)
  }
  const selections: StoreSelection[] = []
  for (const source of manifest.stores) {
    const entities = chosen.filter((entity) => entity.descriptor.store === source.name)
    if (entities.length === 0) continue
    const name = into[source.name] ?? source.name
    const store = stores.get(name)
    if (!store) throw new HoldfastError('E_STORE_UNKNOWN', `no store ${list([name])} is configured; there are ${list([...stores.keys()])}`)
    if (store.dialect !== source.source.dialect) {
      throw new HoldfastError('E_DIALECT', `the snapshot of store "${source.name}" is of ${source.source.dialect}, store "${name}" is ${store.dialect}`, {
        hint: 'Restore into a database of the same dialect; records keep the exact values of their own.',
      })
    }
    if (selections.some((other) => other.store === store)) {
      throw new HoldfastError('E_CONFIG', `two stores of the snapshot would be restored into "${name}"`, {
        hint: 'Restore them one after the other, or into different stores.',
      })
    }
    const known = new Set(store.mapping.entities.map((entity) => entity.name))
    const unmapped = entities.map((entity) => entity.descriptor.name).filter((entity) => !known.has(entity))
    if (unmapped.length > 0) {
      throw new HoldfastError('E_ENTITY_UNKNOWN', `store "${name}" maps no entity ${list(unmapped)}; it maps ${list([...known])}`, {
        hint: 'Choose the entities to restore by name, or map the missing ones.',
      })
    }
    selections.push({ store, from: source.name, entities })
  }
  return selections
}

function choose(manifest: Manifest, names: readonly string[] | undefined): readonly ManifestEntity[] {
  if (names === undefined) return manifest.entities
  // An empty list is a mistake of the caller's code; reading it as "everything" would restore what nobody asked for.
  if (names.length === 0) throw new HoldfastError('E_CONFIG', '`entities` is an empty list', { hint: 'Leave it out to restore all entities of the snapshot.' })
  const unknown: string[] = []
  const chosen = new Set<ManifestEntity>()
  for (const name of names) {
    const found = manifest.entities.filter(({ descriptor }) => descriptor.name === name || `${descriptor.store}.${descriptor.name}` === name)
    if (found.length === 0) unknown.push(name)
    else if (found.length > 1) {
      throw new HoldfastError('E_ENTITY_UNKNOWN', `"${name}" is the name of entities of several stores`, {
        hint: `Say which: ${found.map(({ descriptor }) => `${descriptor.store}.${descriptor.name}`).join(', ')}.`,
      })
    } else chosen.add(found[0]!)
  }
  if (unknown.length > 0) {
    throw new HoldfastError(
      'E_ENTITY_UNKNOWN',
      `the snapshot has no entity ${list(unknown)}; it has ${list(manifest.entities.map(({ descriptor }) => descriptor.name))}`,
    )
  }
  return manifest.entities.filter((entity) => chosen.has(entity))
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ')
}
