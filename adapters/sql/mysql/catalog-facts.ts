import type { MysqlClient } from './connections.ts'
import { queryText, type TextRow } from './query.ts'
import { quoteLiteral } from './quote.ts'

export interface TableName {
  readonly schema: string
  readonly table: string
}

/** What `information_schema` says of a table. Names are as the server has them, which may differ in case from those asked for. */
export interface RelationFacts extends TableName {
  /** `BASE TABLE`, `SYSTEM VERSIONED`, `VIEW`, `SEQUENCE`. */
  readonly kind: string
  /** `InnoDB`; empty for views. */
  readonly engine: string
  /** Next value of the counter, as text; null when no column has one. */
  readonly autoIncrement: string | null
  readonly partitioned: boolean
  /** Changes with every ALTER, to the second. */
  readonly created: string
}

export interface ColumnFacts extends TableName {
  readonly name: string
  /** `DATA_TYPE`, in lower case. */
  readonly typeName: string
  /** `COLUMN_TYPE`: `int(10) unsigned`. */
  readonly fullType: string
  readonly precision: number | null
  /** Null for types without text. */
  readonly charset: string | null
  readonly collation: string | null
  readonly notNull: boolean
  /** The default as the server prints it; null when there is none. */
  readonly default: string | null
  /** Generated, stored or virtual. */
  readonly generated: boolean
  readonly generation: string
  readonly autoIncrement: boolean
  /** Everything that `EXTRA` says. */
  readonly extra: string
}

export interface IndexColumnFacts {
  readonly name: string
  /** Only a part of the column, from its start, is in the index. */
  readonly prefix: boolean
  /** Characters, or bytes, of that part; null for the whole column. */
  readonly prefixLength: number | null
  readonly descending: boolean
}

/** A unique index without expressions. */
export interface UniqueFacts extends TableName {
  readonly name: string
  /** It stands in the order of its columns: a BTREE. */
  readonly ordered: boolean
  readonly columns: readonly IndexColumnFacts[]
}

export interface ForeignKeyFacts extends TableName {
  readonly name: string
  readonly columns: readonly string[]
  readonly targetSchema: string
  readonly targetTable: string
  readonly targetColumns: readonly string[]
}

/** Case of names is not decided here: `information_schema` compares without it, whatever the server does. */
export async function readRelations(client: MysqlClient, names: readonly TableName[]): Promise<readonly RelationFacts[]> {
  const rows = await readFor(
    client,
    'looking up the mapped tables',
    names,
    (where) => `
    SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, TABLE_TYPE AS kind, COALESCE(ENGINE, '') AS engine, AUTO_INCREMENT AS counter, CREATE_TIME AS created,
      COALESCE(CREATE_OPTIONS, '') LIKE '%partitioned%' AS parts
    FROM information_schema.TABLES WHERE ${where}`,
  )
  return rows.map((row) => ({
    ...tableOf(row),
    kind: row.kind ?? '',
    engine: row.engine ?? '',
    autoIncrement: row.counter ?? null,
    created: row.created ?? '',
    partitioned: row.parts !== '0',
  }))
}

export async function readColumns(client: MysqlClient, names: readonly TableName[]): Promise<readonly ColumnFacts[]> {
  const rows = await readFor(
    client,
    'reading the columns',
    names,
    (where) => `
    SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS name, LOWER(DATA_TYPE) AS typeName, COLUMN_TYPE AS fullType, NUMERIC_PRECISION AS prec,
      CHARACTER_SET_NAME AS charset, COLLATION_NAME AS coll, IS_NULLABLE AS nullable, COLUMN_DEFAULT AS def, EXTRA AS extra, GENERATION_EXPRESSION AS generation
    FROM information_schema.COLUMNS WHERE ${where} ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
  )
  return rows.map((row) => {
    const extra = row.extra ?? ''
    return {
      ...tableOf(row),
      name: row.name ?? '',
      typeName: row.typeName ?? '',
      fullType: row.fullType ?? '',
      precision: row.prec === null || row.prec === undefined ? null : Number(row.prec),
      charset: row.charset ?? null,
      collation: row.coll ?? null,
      notNull: row.nullable !== 'YES',
      // MariaDB prints a default of NULL, which every column without another has.
      default: row.def === undefined || row.def === 'NULL' ? null : row.def,
      // MySQL's DEFAULT_GENERATED is a default that is an expression.
      generated: /\b(STORED|VIRTUAL|PERSISTENT)( GENERATED)?\b/i.test(extra),
      generation: row.generation ?? '',
      autoIncrement: /\bauto_increment\b/i.test(extra),
      extra,
    }
  })
}

export async function readUniques(client: MysqlClient, names: readonly TableName[]): Promise<readonly UniqueFacts[]> {
  const rows = await readFor(
    client,
    'reading the unique indexes',
    names,
    (where) => `
    SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, INDEX_NAME AS idx, COLUMN_NAME AS name, SUB_PART AS part, COLLATION AS direction, INDEX_TYPE AS kind
    FROM information_schema.STATISTICS WHERE ${where} AND NON_UNIQUE = 0
    ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`,
  )
  return groupBy(rows, ({ s, t, idx }) => JSON.stringify([s, t, idx]))
    .filter((parts) => parts.every(({ name }) => name !== null))
    .map((parts) => ({
      ...tableOf(parts[0]!),
      name: parts[0]!.idx ?? '',
      ordered: parts[0]!.kind === 'BTREE',
      columns: parts.map(({ name, part, direction }) => ({
        name: name ?? '',
        prefix: part !== null,
        prefixLength: part === null || part === undefined ? null : Number(part),
        descending: direction === 'D',
      })),
    }))
}

export async function readForeignKeys(client: MysqlClient, names: readonly TableName[]): Promise<readonly ForeignKeyFacts[]> {
  const rows = await readFor(
    client,
    'reading the foreign keys',
    names,
    (where) => `
    SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, CONSTRAINT_NAME AS fk, COLUMN_NAME AS name, REFERENCED_TABLE_SCHEMA AS rs, REFERENCED_TABLE_NAME AS rt,
      REFERENCED_COLUMN_NAME AS rc
    FROM information_schema.KEY_COLUMN_USAGE WHERE ${where} AND REFERENCED_TABLE_NAME IS NOT NULL
    ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  )
  return groupBy(rows, ({ s, t, fk }) => JSON.stringify([s, t, fk])).map((parts) => ({
    ...tableOf(parts[0]!),
    name: parts[0]!.fk ?? '',
    columns: parts.map(({ name }) => name ?? ''),
    targetSchema: parts[0]!.rs ?? '',
    targetTable: parts[0]!.rt ?? '',
    targetColumns: parts.map(({ rc }) => rc ?? ''),
  }))
}

const tableOf = (row: TextRow): TableName => ({ schema: row.s ?? '', table: row.t ?? '' })

/** Names given as literals, one schema after the other: only so does the server open just these tables and not all that there are. */
async function readFor(client: MysqlClient, doing: string, names: readonly TableName[], sql: (where: string) => string): Promise<readonly TextRow[]> {
  const rows: TextRow[] = []
  for (const schema of new Set(names.map((name) => name.schema))) {
    const tables = names.filter((name) => name.schema === schema).map(({ table }) => quoteLiteral(table))
    rows.push(...(await queryText(client, doing, sql(`TABLE_SCHEMA = ${quoteLiteral(schema)} AND TABLE_NAME IN (${[...new Set(tables)].join(', ')})`))))
  }
  return rows
}

function groupBy(rows: readonly TextRow[], keyOf: (row: TextRow) => string): readonly (readonly TextRow[])[] {
  const groups = new Map<string, TextRow[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return [...groups.values()]
}
