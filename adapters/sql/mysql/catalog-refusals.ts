import type { EntityMapping, FieldMapping } from '../../../src/contracts/entity-descriptor.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { ColumnFacts, RelationFacts } from './catalog-facts.ts'
import { toFieldType } from './field-type.ts'
import { columnOf, keyColumnsOf, keyIndex, type TableFacts } from './table-facts.ts'

/** A mapped table or column that the database lacks. */
export interface MissingPart {
  readonly entity: string
  readonly table: string
  readonly column?: string
}

const UNSERVED: Readonly<Record<string, string>> = {
  VIEW: 'a view: back up the tables below it and exclude it',
  'SYSTEM VIEW': "a view of the server's",
  SEQUENCE: 'a sequence',
  TEMPORARY: 'a temporary table',
}

/** Refuses what is not a table. A missing table is left to `missingColumns`, to be reported together with others. */
export function assertTable(entity: EntityMapping, relation: RelationFacts | undefined): void {
  if (!relation) return
  const reason = UNSERVED[relation.kind]
  if (reason) throw unserved(entity, `${relation.schema}.${relation.table} is ${reason}`)
}

export function missingColumns(
  entity: EntityMapping,
  fields: readonly FieldMapping[],
  relation: RelationFacts | undefined,
  columns: readonly ColumnFacts[],
): readonly MissingPart[] {
  if (!relation) return [{ entity: entity.name, table: entity.schema === undefined ? entity.table : `${entity.schema}.${entity.table}` }]
  const table = `${relation.schema}.${relation.table}`
  return fields.filter((field) => !columnOf(columns, field.column)).map((field) => ({ entity: entity.name, table, column: field.column }))
}

export function schemaDrift(missing: readonly MissingPart[]): HoldfastError {
  const names = missing.map(({ entity, table, column }) => (column === undefined ? `table ${table} (${entity})` : `column ${table}.${column} (${entity})`))
  return new HoldfastError('E_SCHEMA_DRIFT', `mapped, but not in the database: ${names.join(', ')}`, {
    hint: 'Run the migrations of the application, or correct the mapping.',
    details: { missing },
  })
}

/** Refuses a key by which rows would be lost or doubled, and columns whose values have no exact form in a record. */
export function assertServed(table: TableFacts): void {
  const { entity } = table
  if (entity.key.length === 0) throw unserved(entity, 'it has no primary key')
  const unknown = table.fields.flatMap((field) => {
    const { name, typeName, fullType, precision } = columnOf(table.columns, field.column)!
    return toFieldType({ name: typeName, full: fullType, precision }) ? [] : [`${name} (${fullType})`]
  })
  if (unknown.length > 0) throw unserved(entity, `columns of a type that is not served: ${unknown.join(', ')}`)
  const key = keyColumnsOf(table)
  const nullable = key.filter(({ notNull }) => !notNull).map(({ name }) => name)
  if (nullable.length > 0)
    throw unserved(entity, `key column ${nullable.join(', ')} may be NULL in the database, and a row without key cannot be told from another`)
  if (!keyIndex(table))
    throw unserved(entity, `no unique index of the database covers exactly its key (${key.map(({ name }) => name).join(', ')}), so that keys may repeat`)
}

function unserved(entity: EntityMapping, reason: string): HoldfastError {
  return new HoldfastError('E_MAPPING', `${entity.name}: ${reason}`, { details: { entity: entity.name } })
}
