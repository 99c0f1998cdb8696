import libsql from 'libsql'
import type { TestDatabase } from './postgres.ts'

/** Table → column → every value of it as exact text, in the order of the whole row's text. Two images are equal when the databases hold equal rows. */
export type DatabaseImage = Readonly<Record<string, Readonly<Record<string, readonly (string | null)[]>>>>

/** Reads with plain SQL, past any ORM. Generated columns are in it. */
export async function postgresImage(database: Pick<TestDatabase, 'query'>, options: ImageOptions = {}): Promise<DatabaseImage> {
  const columns = await database.query<{ schema: string; table: string; column: string }>(`
    SELECT c.table_schema AS "schema", c.table_name AS "table", c.column_name AS "column"
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2, c.ordinal_position`)
  const image: Record<string, Record<string, (string | null)[]>> = {}
  for (const table of groupByTable(columns, ({ schema, table: name }) => (schema === 'public' ? name : `${schema}.${name}`), options)) {
    const [first] = table.columns
    const values = table.columns.map(({ column }) => `${quote(column)}::text`)
    const rows = await database.query<{ values: (string | null)[] }>(
      `SELECT array[${values.join(', ')}]::text[] AS values FROM ${quote(first!.schema)}.${quote(first!.table)} ORDER BY 1`,
    )
    image[table.name] = byColumn(
      table.columns.map(({ column }) => column),
      rows.map((row) => row.values),
    )
  }
  return image
}

/** The same for MariaDB: values as the hexadecimal of their text, numbers and times of their print. */
export async function mysqlImage(database: Pick<TestDatabase, 'query'>, options: ImageOptions = {}): Promise<DatabaseImage> {
  const columns = await database.query<{ table: string; column: string; type: string }>(`
    SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`, DATA_TYPE AS type FROM information_schema.COLUMNS JOIN information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME)
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME, ORDINAL_POSITION`)
  const image: Record<string, Record<string, (string | null)[]>> = {}
  for (const table of groupByTable(columns, ({ table: name }) => name, options)) {
    const values = table.columns.map(({ column, type }, at) => {
      const exact = /float|double/.test(type) ? `\`${column}\` * 1e0` : `\`${column}\``
      return `HEX(CAST(${exact} AS BINARY)) AS c${at}`
    })
    const rows = await database.query<Record<string, string | null>>(`SELECT ${values.join(', ')} FROM \`${table.name}\``)
    const texts = rows.map((row) => table.columns.map((_, at) => row[`c${at}`] ?? null)).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    image[table.name] = byColumn(
      table.columns.map(({ column }) => column),
      texts,
    )
  }
  return image
}

/** The same for a SQLite file or an open database. Each value carries its storage class; reals are printed with all their digits. */
export function sqliteImage(source: string | libsql.Database, options: ImageOptions = {}): DatabaseImage {
  const database = typeof source === 'string' ? new libsql(source, { readonly: true }) : source
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1").all() as {
    name: string
  }[]
  const columns = tables.flatMap(({ name }) =>
    // hidden: 2 and 3 are generated columns, 1 is one of a virtual table
    (database.prepare(`PRAGMA table_xinfo(${quote(name)})`).all() as { name: string }[]).map((column) => ({ table: name, column: column.name })),
  )
  const image: Record<string, Record<string, (string | null)[]>> = {}
  for (const table of groupByTable(columns, ({ table: name }) => name, options)) {
    const values = table.columns.map(({ column }) => {
      const name = quote(column)
      return `CASE typeof(${name}) WHEN 'real' THEN 'real ' || printf('%!.17g', ${name}) WHEN 'null' THEN NULL ELSE typeof(${name}) || ' ' || quote(${name}) END`
    })
    const rows = database
      .prepare(`SELECT ${values.map((value, at) => `${value} AS c${at}`).join(', ')} FROM ${quote(table.name)}`)
      .raw()
      .all() as (string | null)[][]
    rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    image[table.name] = byColumn(
      table.columns.map(({ column }) => column),
      rows,
    )
  }
  if (typeof source === 'string') database.close()
  return image
}

export interface ImageOptions {
  /** Tables left out: the ORM's own book-keeping. */
  readonly without?: readonly string[]
}

function groupByTable<T extends { readonly table: string }>(columns: readonly T[], nameOf: (column: T) => string, { without = [] }: ImageOptions) {
  const names = [...new Set(columns.map(nameOf))].filter((name) => !without.includes(name))
  return names.map((name) => ({ name, columns: columns.filter((column) => nameOf(column) === name) }))
}

function byColumn(columns: readonly string[], rows: readonly (string | null)[][]): Record<string, (string | null)[]> {
  return Object.fromEntries(columns.map((column, at) => [column, rows.map((row) => row[at] ?? null)]))
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
