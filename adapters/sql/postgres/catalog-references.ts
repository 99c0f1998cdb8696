import type { ReferenceDescriptor } from '../../../src/contracts/entity-descriptor.ts'
import type { ForeignKeyFacts } from './catalog-facts.ts'
import type { TableFacts } from './table-facts.ts'

/**
 * The foreign keys of an entity: those of the ORM, then those that only the database knows, because both decide in which order rows can be
 * loaded. One whose columns are not all in the record is left out: the record cannot follow it.
 */
export function entityReferences(
  table: TableFacts,
  foreignKeys: readonly ForeignKeyFacts[],
  entityOf: (oid: string) => string | undefined,
): readonly ReferenceDescriptor[] {
  const { entity, fields, columns } = table
  const pathOf = (number: number) => {
    const name = columns.find((column) => column.number === number)?.name
    return fields.find((field) => field.column === name)?.path
  }
  const kept = new Set(fields.map((field) => field.path))
  const mapped = entity.references.filter((reference) =>
    [...reference.fields, ...(reference.when ? [reference.when.field] : [])].every((path) => kept.has(path)),
  )
  const found = foreignKeys.flatMap((foreignKey): ReferenceDescriptor[] => {
    const paths = foreignKey.columns.map(pathOf)
    if (!paths.every((path) => path !== undefined)) return []
    const target = entityOf(foreignKey.target)
    return [
      {
        fields: paths,
        ...(target === undefined ? {} : { entity: target }),
        schema: foreignKey.targetSchema,
        table: foreignKey.targetTable,
        columns: foreignKey.targetColumns,
      },
    ]
  })
  // The order in which a key of several columns is declared is no difference.
  const identity = ({ fields: paths, table: name, columns: names }: ReferenceDescriptor) =>
    JSON.stringify([name, paths.map((path, place) => JSON.stringify([path, names[place]])).toSorted()])
  const references = new Map(mapped.map((reference) => [identity(reference), reference]))
  // The catalog's form wins over the ORM's: it names the schema that was found.
  for (const reference of found) references.set(identity(reference), reference)
  return [...references.values()]
}
