import type { EntityDescriptor, StoreMapping } from '../contracts/entity-descriptor.ts'
import type { Masker } from '../contracts/masker.ts'
import { looksSensitive } from './looks-sensitive.ts'

/**
 * Asks what a column that others refer to is, or what it refers to itself, over any number of steps: of a sensitive one, of which nothing was said, the name and why; else null. Of an entity that goes
 * nowhere nobody is asked anything, and still its keys are in all that refers to it.
 */
export function sensitiveBehind(
  { entities }: StoreMapping,
  beside: readonly Pick<EntityDescriptor, 'name' | 'fields'>[],
  maskers: ReadonlyMap<string, ReadonlyMap<string, Masker>>,
): (entity: string, path: string) => string | null {
  const look = (entity: string, path: string, seen: ReadonlySet<string>): string | null => {
    const place = JSON.stringify([entity, path])
    const mapped = entities.find(({ name }) => name === entity)
    const field = mapped?.fields.find((one) => one.path === path)
    if (!mapped || !field || seen.has(place) || maskers.get(entity)?.has(path)) return null
    const recorded = beside.find(({ name }) => name === entity)?.fields.find(({ column }) => column === field.column)
    if (field.sensitive || recorded?.sensitive) return `${entity}.${path}, which is sensitive`
    const references = mapped.references.filter(({ fields, entity: parent }) => parent !== undefined && fields.includes(path))
    if (references.length === 0) return looksSensitive(path) || looksSensitive(field.column) ? `${entity}.${path}, which looks sensitive` : null
    for (const { fields, entity: parent, columns } of references) {
      const parentPath = entities.find(({ name }) => name === parent)?.fields.find(({ column }) => column === columns[fields.indexOf(path)])?.path
      const found = parentPath === undefined ? null : look(parent!, parentPath, new Set([...seen, place]))
      if (found) return found
    }
    return null
  }
  return (entity, path) => look(entity, path, new Set())
}
