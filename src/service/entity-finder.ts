import { entityId, entityNamed, idOf } from '../compare/index.ts'
import type { Manifest, ManifestEntity } from '../archive/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { EntityIndex } from '../plan/entity-index.ts'
import { type EntityReference, referenceFacts } from '../plan/entity-reference.ts'

/** Finds the entity that a class, schema or name means in a manifest; null when the manifest does not have it. */
export type EntityFinder = (manifest: Manifest) => ManifestEntity | null

/**
 * Classes and schemas are looked up in the mappings of the stores, names (`Name`, `store.Name`) in the manifest.
 *
 * @throws `E_ENTITY_UNKNOWN` for a class that no store maps, or several; `E_CONFIG` for what is no reference
 */
export function entityFinder(reference: EntityReference, stores: ReadonlyMap<string, EntityStore>): EntityFinder {
  if (typeof reference === 'string') {
    return (manifest) => {
      const known = manifest.entities.some(({ descriptor }) => descriptor.name === reference || `${descriptor.store}.${descriptor.name}` === reference)
      if (!known) return null
      const id = entityNamed([manifest], reference)
      return manifest.entities.find((entity) => idOf(entity) === id)!
    }
  }
  const facts = referenceFacts(reference)
  if (!facts) throw new HoldfastError('E_CONFIG', 'this is no entity: expected a class, an entity schema or a name')
  const [located, another] = new EntityIndex([...stores.values()]).locate(facts, null)
  if (!located) throw new HoldfastError('E_ENTITY_UNKNOWN', `no store maps "${facts.name}"`, { hint: 'Name it as text to look it up in the snapshot alone.' })
  if (another) throw new HoldfastError('E_ENTITY_UNKNOWN', `"${facts.name}" is mapped by several stores`, { hint: 'Name it as text: "store.Name".' })
  if (located.child !== null) {
    throw new HoldfastError('E_ENTITY_UNKNOWN', `"${located.child}" shares the table of "${located.mapping.name}"`, {
      hint: `Name "${located.mapping.name}", and choose by its discriminator.`,
    })
  }
  const id = entityId(located.store, located.mapping.name)
  return (manifest) => manifest.entities.find((entity) => idOf(entity) === id) ?? null
}
