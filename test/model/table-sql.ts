import type { EntityMapping, StoreMapping } from '../../src/contracts/index.ts'
import { rowText, type Image } from './model-state.ts'
import { type ColumnKind, literal, type Schema, type Table, type Value } from './schema.ts'

const TYPES: Record<Schema['dialect'], Record<ColumnKind, string>> = {
  postgres: { int: 'int', bigint: 'bigint', word: 'varchar(100)', text: 'text', amount: 'numeric', mood: 'mood' },
  // `amount` without a type: whatever is stored stays what it is.
  sqlite: { int: 'INTEGER', bigint: 'BIGINT', word: 'VARCHAR(100)', text: 'TEXT', amount: 'BLOB', mood: 'TEXT' },
  mysql: { int: 'int', bigint: 'bigint', word: 'varchar(100)', text: 'text', amount: 'decimal(12, 3)', mood: 'varchar(20)' },
}

export function columnSql(schema: Schema, column: Table['columns'][number]): string {
  const type = TYPES[schema.dialect][column.kind]
  const initial = column.initial === undefined || column.initial === null ? '' : ` DEFAULT ${literal(schema, column, column.initial)}`
  return `${column.name} ${type}${column.nullable ? '' : ' NOT NULL'}${initial}`
}

export function createTableSql(schema: Schema, table: Table, name = table.name, options = ''): string {
  const keys = table.columns.slice(0, table.keys).map((column) => column.name)
  const references = table.columns.flatMap((column) =>
    column.references ? [`FOREIGN KEY (${column.name}) REFERENCES ${column.references.table} (${column.references.column})`] : [],
  )
  return `CREATE TABLE ${name} (${[...table.columns.map((column) => columnSql(schema, column)), `PRIMARY KEY (${keys.join(', ')})`, ...references].join(', ')})${options}`
}

/** As an ORM would map them: property paths are column names. */
export function mappingOf({ tables }: Schema): StoreMapping {
  const entities = tables.map((table): EntityMapping => ({
    name: table.name,
    kind: table.keyOf ? 'entity' : 'junction',
    aliases: [],
    table: table.name,
    fields: table.columns.map(({ name }) => ({ path: name, column: name })),
    key: table.columns.slice(0, table.keys).map(({ name }) => name),
    references: table.columns.flatMap(({ name, references }) =>
      references ? [{ fields: [name], entity: references.table, table: references.table, columns: [references.column] }] : [],
    ),
  }))
  return { entities, excluded: [] }
}

/** Reads all tables by plain SQL, each value as exact text. */
export async function readImage(
  { tables }: Schema,
  textOf: (column: Table['columns'][number]) => string,
  query: (sql: string) => Promise<readonly (readonly Value[])[]>,
): Promise<Image> {
  const image: Record<string, string[]> = {}
  for (const { name, columns } of tables) {
    const rows = await query(`SELECT ${columns.map(textOf).join(', ')} FROM ${name}`)
    image[name] = rows.map(rowText).sort()
  }
  return image
}
