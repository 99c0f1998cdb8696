import type { StoredValue } from '../../../src/record/stored-value.ts'
import type { SqliteColumn, SqliteEntity } from './catalog.ts'
import type { SqliteConnection, StoredRow } from './connection.ts'
import { quoteName } from './quote.ts'
import { allPlain, exactSelect, exactValues, textGuard } from './row-select.ts'
import { scopeCondition } from './scope-sql.ts'
import { adaptiveSize } from './slices.ts'
import { parameter, placeholder } from './stored-bind.ts'

/** Values of the key columns in the database's order (`SqliteEntity.order`). */
export type KeyValues = readonly StoredValue[]

/** Keys `from` (inclusive) up to `to` (exclusive). */
export interface ValueRange {
  readonly from: KeyValues | null
  readonly to: KeyValues | null
}

/** Bytes of large values read in one go. */
const LARGE_GROUP_BYTES = 1024 * 1024

/**
 * The rows of a range in key order, in pages that take a few milliseconds each. Between pages nothing is held: a page starts after the last key of
 * the one before, so ending early costs nothing.
 */
export function* rowPages(connection: SqliteConnection, entity: SqliteEntity, range: ValueRange): Generator<StoredRow[], void, undefined> {
  const reader = pageReader(connection, entity)
  const page = adaptiveSize(64, 16, 512)
  let start: Start | null = range.from && { key: range.from, inclusive: true }
  for (;;) {
    const limit = page.size
    const began = performance.now()
    let rows = 0
    if (reader.isPlain(start, range.to, limit)) {
      const read = reader.plain(start, range.to, limit)
      rows = read.length
      page.took(performance.now() - began)
      if (rows > 0) {
        yield read
        start = { key: reader.keyOf(read[rows - 1]!), inclusive: false }
      }
    } else {
      for (const group of groups(reader.sizes(start, range.to, limit))) {
        const read = reader.exact(start, range.to, group)
        rows += read.length
        yield read
        start = { key: reader.keyOf(read.at(-1)!), inclusive: false }
      }
    }
    if (rows < limit) return
  }
}

/** Where a page starts. */
interface Start {
  readonly key: KeyValues
  readonly inclusive: boolean
}

interface PageReader {
  isPlain(start: Start | null, to: KeyValues | null, limit: number): boolean
  plain(start: Start | null, to: KeyValues | null, limit: number): StoredRow[]
  exact(start: Start | null, to: KeyValues | null, limit: number): StoredRow[]
  /** Bytes of each row. */
  sizes(start: Start | null, to: KeyValues | null, limit: number): number[]
  keyOf(row: StoredRow): KeyValues
}

function pageReader(connection: SqliteConnection, entity: SqliteEntity): PageReader {
  const { table, columns, order } = entity
  const names = columns.map(({ column }) => quoteName(column))
  const guarded = columns.filter((column) => mayHoldText(entity, column)).map(({ column }) => quoteName(column))
  const plainList = names.join(', ')
  const exactList = exactSelect(names)
  const guard = textGuard(guarded)
  const size = names.map((name) => `coalesce(octet_length(${name}), 0)`).join(' + ')

  const query = (list: string, start: Start | null, to: KeyValues | null, limit: number): [sql: string, parameters: StoredValue[]] => {
    const where = rangeCondition(connection, entity, start, to)
    const sql = `SELECT ${list} FROM main.${quoteName(table.name)} AS t ${where.sql} ORDER BY ${order.map((at) => names[at]).join(', ')} LIMIT ?`
    return [sql, [...where.parameters, BigInt(limit)]]
  }
  return {
    isPlain(start, to, limit) {
      if (guarded.length === 0) return true
      const [sql, parameters] = query(`${guard} AS g`, start, to, limit)
      return allPlain(connection.value(`SELECT CAST(group_concat(g) AS BLOB) FROM (${sql})`, parameters))
    },
    plain: (start, to, limit) => connection.rows(...query(plainList, start, to, limit)),
    exact: (start, to, limit) => connection.rows(...query(exactList, start, to, limit)).map((row) => exactValues(row, columns.length)),
    sizes: (start, to, limit) => connection.rows(...query(size, start, to, limit)).map(([bytes]) => Number(bytes)),
    keyOf: (row) => order.map((at) => row[at] ?? null),
  }
}

/** `WHERE` of a range, by row values, which SQLite follows in the index. */
export function rangeCondition(
  connection: SqliteConnection,
  entity: SqliteEntity,
  start: Start | null,
  to: KeyValues | null,
): { readonly sql: string; readonly parameters: StoredValue[] } {
  const key = entity.order.map((at) => quoteName(entity.columns[at]!.column)).join(', ')
  const compare = (operator: string, values: KeyValues) => `(${key}) ${operator} (${values.map((value) => placeholder(connection, value)).join(', ')})`
  const conditions = [...(start ? [compare(start.inclusive ? '>=' : '>', start.key)] : []), ...(to ? [compare('<', to)] : [])]
  const scope = scopeCondition(entity)
  if (scope !== null) conditions.push(scope)
  return {
    sql: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    parameters: [...(start?.key ?? []), ...(to ?? [])].map(parameter),
  }
}

/** The rowid and the number columns of STRICT tables cannot. */
function mayHoldText({ table }: SqliteEntity, column: SqliteColumn): boolean {
  if (column.column === table.rowidColumn) return false
  return !table.strict || !(column.affinity === 'integer' || column.affinity === 'real')
}

function* groups(sizes: readonly number[]): Generator<number> {
  let rows = 0
  let bytes = 0
  for (const size of sizes) {
    if (rows > 0 && bytes + size > LARGE_GROUP_BYTES) {
      yield rows
      rows = 0
      bytes = 0
    }
    rows++
    bytes += size
  }
  if (rows > 0) yield rows
}
