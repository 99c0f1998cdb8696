import type { EntityMapping, StoreMapping } from '../contracts/entity-descriptor.ts'
import type { RowOwner } from '../contracts/row-owner.ts'

/**
 * Which columns hold the tenant: of each entity the one that is declared, and each that is a part of a foreign key and refers to such a column of another. Not what refers to one of several entities.
 * By entity and property path, as mapped today.
 */
export function tenantFields({ entities }: StoreMapping, ownerOf: (entity: string) => RowOwner | undefined): ReadonlyMap<string, ReadonlySet<string>> {
  const fields = new Map<string, Set<string>>()
  for (const { name } of entities) {
    const owner = ownerOf(name)
    fields.set(name, new Set(owner?.path.length === 0 ? [owner.field] : []))
  }
  const byName = new Map(entities.map((mapping) => [mapping.name, mapping]))
  for (let grew = true; grew;) {
    grew = false
    for (const mapping of entities) {
      const own = fields.get(mapping.name)!
      for (const path of referring(mapping, byName, fields)) {
        if (own.has(path)) continue
        own.add(path)
        grew = true
      }
    }
  }
  return fields
}

function referring({ references }: EntityMapping, byName: ReadonlyMap<string, EntityMapping>, fields: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return references.flatMap(({ entity, fields: paths, columns, when }) => {
    const parent = entity === undefined ? undefined : byName.get(entity)
    // What leads to several entities holds a tenant in some records, and something else in others.
    if (!parent || when) return []
    const holds = (column: string | undefined) =>
      parent.fields.some((field) => field.column.toLowerCase() === column?.toLowerCase() && fields.get(parent.name)!.has(field.path))
    return paths.filter((_, at) => holds(columns[at]))
  })
}
