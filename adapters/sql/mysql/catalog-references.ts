import type { ReferenceDescriptor } from '../../../src/contracts/entity-descriptor.ts'
import type { ForeignKeyFacts, TableName } from './catalog-facts.ts'
import { sameName, type TableFacts } from './table-facts.ts'

/**
 * The foreign keys of an entity: those of the ORM, then those that only the database knows, because both decide in which order rows can be
 * loaded. One whose columns are not all in the record is left out: the record cannot follow it.
 */
export function entityReferences(
  table: TableFacts,
  foreignKeys: readonly ForeignKeyFacts[],
  entityOf: (table: TableName) => string | undefined,
): readonly ReferenceDescriptor[] {
  const { entity, fields } = table
  const kept = new Set(fields.map((field) => field.path))
  const mapped = entity.references.filter((reference) =>
    [...reference.fields, ...(reference.when ? [reference.when.field] : [])].every((path) => kept.has(path)),
  )
  const found = foreignKeys.flatMap(({ columns, targetSchema, targetTable, targetColumns }): ReferenceDescriptor[] => {
    const paths = columns.map((name) => fields.find((field) => sameName(field.column, name))?.path)
    if (!paths.every((path) => path !== undefined)) return []
    const target = entityOf({ schema: targetSchema, table: targetTable })
    return [{ fields: paths, ...(target === undefined ? {} : { entity: target }), schema: targetSchema, table: targetTable, columns: targetColumns }]
  })
  // Neither the order in which a key of several columns is declared nor the case of names is a difference.
  const identity = ({ fields: paths, table: name, columns }: ReferenceDescriptor) =>
    JSON.stringify([name.toLowerCase(), paths.map((path, place) => JSON.stringify([path, columns[place]?.toLowerCase()])).toSorted()])
  const references = new Map(mapped.map((reference) => [identity(reference), reference]))
  // The catalog's form wins over the ORM's: it names the schema that was found.
  for (const reference of found) references.set(identity(reference), reference)
  return [...references.values()]
}
