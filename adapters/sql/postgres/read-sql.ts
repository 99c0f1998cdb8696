import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { PostgresEntity } from './catalog.ts'
import { fromRows } from './from-rows.ts'
import { keyOrder, rangeCondition } from './key-sql.ts'
import { quoteIdent } from './quote.ts'
import { isYounger } from './row-age.ts'

/** The rows of a range in key order, with the columns of the record in its order. */
export function selectRange(entity: PostgresEntity, range: KeyRange): string {
  const columns = entity.columns.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} ORDER BY ${keyOrder(entity.key)}`
}

/** Those of them that were written at or after the horizon, a 32-bit transaction id. */
export function selectChanged(entity: PostgresEntity, range: KeyRange, horizon: string): string {
  const columns = entity.columns.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  // A scalar subquery: computed once, and not per row.
  const age = `(SELECT age('${horizon}'::xid))`
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} AND ${isYounger(age)} ORDER BY ${keyOrder(entity.key)}`
}

/** The keys of a range, in key order. */
export function selectKeys(entity: PostgresEntity, range: KeyRange): string {
  const columns = entity.key.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} ORDER BY ${keyOrder(entity.key)}`
}

/** The SELECT form, because a plain `COPY table` refuses partitioned tables and leaves out generated columns and inheritance children. */
export function copySql(select: string): string {
  return `COPY (${select}) TO STDOUT`
}
