import type { SqliteConnection } from './connection.ts'
import { foldName, quoteName, quoteText, sameName } from './quote.ts'

export interface ColumnFacts {
  readonly name: string
  readonly declared: string
  readonly notNull: boolean
  readonly hasDefault: boolean
  readonly generated: boolean
}

export interface IndexedColumn {
  readonly column: string
  readonly collation: string
  readonly descending: boolean
}

/** A unique index that can be followed: whole columns of the whole table. */
export interface UniqueFacts {
  readonly name: string
  /** The table itself is sorted by it: the primary key of a WITHOUT ROWID table. */
  readonly isTable: boolean
  readonly columns: readonly IndexedColumn[]
}

export interface ForeignKeyFacts {
  readonly columns: readonly string[]
  readonly parent: string
  /** The columns of the parent's primary key where the declaration leaves them out. */
  readonly parentColumns: readonly string[]
}

/** What the database says of one table. */
export interface TableFacts {
  readonly name: string
  readonly kind: string
  readonly strict: boolean
  readonly withoutRowid: boolean
  readonly columns: readonly ColumnFacts[]
  /** Columns of the primary key, in its order. */
  readonly primaryKey: readonly string[]
  /** The INTEGER PRIMARY KEY column, which is the rowid itself. */
  readonly rowidColumn: string | null
  readonly autoincrement: boolean
  readonly uniques: readonly UniqueFacts[]
  /** There are unique indexes on expressions or on a part of the table, whose clashes only the database can see. */
  readonly hasOpaqueUniques: boolean
  readonly foreignKeys: readonly ForeignKeyFacts[]
}

type Text = string | null

/** Null when there is no such table. */
export function readTable(connection: SqliteConnection, name: string): TableFacts | null {
  const [listed] = connection.rows(`SELECT name, type, wr, strict FROM pragma_table_list(?) WHERE schema = 'main'`, [name])
  if (!listed) return null
  const [table, kind, wr, strict] = listed as readonly [string, string, bigint, bigint]
  const rows = connection.rows('SELECT name, type, "notnull", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid', [
    table,
  ])
  const columns = rows.map(([column, declared, notNull, hasDefault, , hidden]): ColumnFacts => ({
    name: column as string,
    declared: (declared as Text) ?? '',
    notNull: notNull === 1n,
    hasDefault: hasDefault === 1n,
    generated: hidden === 2n || hidden === 3n,
  }))
  const primaryKey = rows
    .filter((row) => row[4] !== 0n)
    .sort((a, b) => Number(a[4]) - Number(b[4]))
    .map((row) => row[0] as string)
  const indexes = connection.rows('SELECT name, "unique", origin, partial FROM pragma_index_list(?)', [table]).map(([index, unique, origin, partial]) => ({
    name: index as string,
    unique: unique === 1n,
    primary: origin === 'pk',
    partial: partial === 1n,
  }))
  const single = primaryKey.length === 1 ? columns.find((column) => column.name === primaryKey[0]) : undefined
  // "INTEGER PRIMARY KEY DESC" is, by an old quirk, not the rowid: it has an index of its own.
  const rowidColumn = single && wr === 0n && single.declared.toUpperCase() === 'INTEGER' && !indexes.some(({ primary }) => primary) ? single.name : null
  const unique = indexes.filter((index) => index.unique)
  const uniques = unique.filter(({ partial }) => !partial).flatMap((index) => plainIndex(connection, index.name, wr === 1n && index.primary))
  return {
    name: table,
    kind,
    strict: strict === 1n,
    withoutRowid: wr === 1n,
    columns,
    primaryKey,
    rowidColumn,
    autoincrement: rowidColumn !== null && isAutoincrement(connection, table),
    uniques,
    hasOpaqueUniques: uniques.length < unique.length,
    foreignKeys: readForeignKeys(connection, table),
  }
}

/** None for an index on an expression. */
function plainIndex(connection: SqliteConnection, name: string, isTable: boolean): UniqueFacts[] {
  const rows = connection.rows('SELECT cid, name, coll, "desc" FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno', [name])
  if (rows.some(([cid]) => cid === -2n)) return []
  // The entry of the rowid itself has no name; as a key column it cannot occur by itself.
  return [
    {
      name,
      isTable,
      columns: rows.map(([, column, collation, desc]) => ({ column: column as string, collation: collation as string, descending: desc === 1n })),
    },
  ]
}

function readForeignKeys(connection: SqliteConnection, table: string): ForeignKeyFacts[] {
  const rows = connection.rows('SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq', [table])
  const ids = [...new Set(rows.map(([id]) => id))]
  return ids.map((wanted) => {
    const parts = rows.filter(([id]) => id === wanted)
    const parent = parts[0]![1] as string
    const named = parts.map(([, , , to]) => to as Text)
    const primaryKey = () => connection.rows('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk', [parent]).map(([column]) => column as string)
    return { parent, columns: parts.map(([, , from]) => from as string), parentColumns: named.every((column) => column !== null) ? named : primaryKey() }
  })
}

/** No pragma tells; the keyword is looked for in the declaration, outside of names, strings and comments. */
function isAutoincrement(connection: SqliteConnection, table: string): boolean {
  const sql = connection.value(`SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?`, [table])
  if (typeof sql !== 'string') return false
  return /\bAUTOINCREMENT\b/i.test(sql.replace(/"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\//g, ' '))
}

export function columnOf(table: TableFacts, name: string): ColumnFacts | undefined {
  return table.columns.find((column) => sameName(column.name, name))
}

/** Whether NULL may stand in the column. */
export function isNullable(table: TableFacts, column: ColumnFacts): boolean {
  return !column.notNull && column.name !== table.rowidColumn && !((table.withoutRowid || table.strict) && table.primaryKey.includes(column.name))
}

/**
 * Does the index compare as the columns themselves do? When the column ignores case and its index does not, keys that are equal to `=` may stand in it twice,
 * and paging by key would lose one of them.
 */
export function sortsAsColumns(connection: SqliteConnection, table: TableFacts, index: UniqueFacts): boolean {
  return index.columns.every(({ column, collation }) => collation.toUpperCase() === columnCollation(connection, table, column))
}

/**
 * A column's own collation, which no pragma tells. A column of a compound SELECT compares as in its first part, so an empty first part lends it to a literal.
 * (The planner knows it too, but libsql leaves an EXPLAIN statement open, and with that the tables locked.)
 */
function columnCollation(connection: SqliteConnection, table: TableFacts, column: string): 'BINARY' | 'NOCASE' | 'RTRIM' {
  const from = `(SELECT ${quoteName(column)} AS c FROM main.${quoteName(table.name)} WHERE 0 UNION ALL SELECT 'a')`
  const [[ignoresCase, ignoresBlanks] = []] = connection.rows(`SELECT c = 'A', c = 'a ' FROM ${from}`)
  return ignoresCase === 1n ? 'NOCASE' : ignoresBlanks === 1n ? 'RTRIM' : 'BINARY'
}

/** A rowid that INSERT can name, unless columns of the table have taken all three of its names. */
export function rowidName(table: TableFacts): string | null {
  if (table.withoutRowid) return null
  const taken = new Set(table.columns.map((column) => foldName(column.name)))
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name)) ?? null
}

/** The tables whose foreign keys point at `parent`. */
export function childTables(connection: SqliteConnection, parent: string): { readonly child: string; readonly foreignKey: ForeignKeyFacts }[] {
  const names = connection.rows(
    `SELECT DISTINCT t.name FROM main.sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND f."table" = ${quoteText(parent)} COLLATE NOCASE`,
  )
  return names.flatMap(([child]) =>
    readForeignKeys(connection, child as string)
      .filter((foreignKey) => sameName(foreignKey.parent, parent))
      .map((foreignKey) => ({ child: child as string, foreignKey })),
  )
}
