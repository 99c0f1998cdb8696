import type { EntityMapping, FieldMapping } from '../../../src/contracts/entity-descriptor.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { ColumnFacts, RelationFacts } from './catalog-facts.ts'
import { keyIndex, type TableFacts } from './table-facts.ts'

/** A mapped table or column that the database lacks. */
export interface MissingPart {
  readonly entity: string
  readonly table: string
  readonly column?: string
}

const tableName = (entity: EntityMapping): string => (entity.schema === undefined ? entity.table : `${entity.schema}.${entity.table}`)

const UNSERVED: Readonly<Record<string, string>> = {
  v: 'a view: back up the tables below it and exclude it',
  m: 'a materialized view: back up the tables below it and exclude it',
  f: 'a foreign table: its rows belong to another server and are in no snapshot of this one',
}

/** Refuses what is not an ordinary or partitioned table. A missing table is left to `missingColumns`, to be reported together with others. */
export function assertTables(tables: readonly { readonly entity: EntityMapping; readonly relation: RelationFacts | undefined }[]): void {
  for (const { entity, relation } of tables) {
    if (!relation) continue
    const reason = UNSERVED[relation.kind]
    if (reason) throw unserved(entity, `${relation.schema}.${relation.table} is ${reason}`)
    if (relation.foreignChildren.length > 0) {
      throw unserved(
        entity,
        `${relation.schema}.${relation.table} has foreign tables below it (${relation.foreignChildren.join(', ')}): their rows are in no snapshot of this server`,
      )
    }
  }
}

export function missingColumns(
  entity: EntityMapping,
  fields: readonly FieldMapping[],
  relation: RelationFacts | undefined,
  columns: readonly ColumnFacts[],
): readonly MissingPart[] {
  if (!relation) return [{ entity: entity.name, table: tableName(entity) }]
  const present = new Set(columns.filter((column) => column.relation === relation.oid).map((column) => column.name))
  const table = `${relation.schema}.${relation.table}`
  return fields.filter((field) => !present.has(field.column)).map((field) => ({ entity: entity.name, table, column: field.column }))
}

export function schemaDrift(missing: readonly MissingPart[]): HoldfastError {
  const names = missing.map(({ entity, table, column }) => (column === undefined ? `table ${table} (${entity})` : `column ${table}.${column} (${entity})`))
  return new HoldfastError('E_SCHEMA_DRIFT', `mapped, but not in the database: ${names.join(', ')}`, {
    hint: 'Run the migrations of the application, or correct the mapping.',
    details: { missing },
  })
}

/** OID of `jsonb`. */
const JSONB = '3802'

/** Refuses a key by which rows would be lost or doubled: ranges compare keys, and a NULL compares with nothing. */
export function assertServed(table: TableFacts): void {
  const { entity } = table
  if (entity.key.length === 0) throw unserved(entity, 'it has no primary key')
  const key = entity.key.map((path) => table.fields.find((field) => field.path === path)?.column)
  const nullable = table.columns.filter((column) => key.includes(column.name) && !column.notNull).map((column) => column.name)
  if (nullable.length > 0)
    throw unserved(entity, `key column ${nullable.join(', ')} may be NULL in the database, and a row without key cannot be told from another`)
  const unwritable = table.columns.filter((column) => key.includes(column.name) && [column.type.oid, column.type.element?.oid].includes(JSONB))
  if (unwritable.length > 0)
    throw unserved(entity, `key column ${unwritable.map(({ name }) => name).join(', ')} is jsonb, whose text holds white space that no key text may have`)
  if (!keyIndex(table)) throw unserved(entity, `no unique index of the database covers exactly its key (${key.join(', ')}), so that keys may repeat`)
}

function unserved(entity: EntityMapping, reason: string): HoldfastError {
  return new HoldfastError('E_MAPPING', `${entity.name}: ${reason}`, { details: { entity: entity.name } })
}
