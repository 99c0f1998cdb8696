import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { PostgresEntity } from './catalog.ts'
import { fromRows, rowAliases } from './from-rows.ts'
import { keyOrder, rangeCondition } from './key-sql.ts'
import { quoteIdent } from './quote.ts'
import { writtenSince } from './written-since.ts'

/** The rows of a range in key order, with the columns of the record in its order. */
export function selectRange(entity: PostgresEntity, range: KeyRange): string {
  const columns = entity.columns.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} ORDER BY ${keyOrder(entity.key)}`
}

/** Those of them that were written at or after the horizon, seen by a snapshot with this `xmax`. */
export function selectChanged(entity: PostgresEntity, range: KeyRange, horizon: string, xmax: string): string {
  const columns = entity.columns.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} AND ${writtenSince(horizon, xmax, rowAliases(entity))} ORDER BY ${keyOrder(entity.key)}`
}

/** The keys of a range, in key order. */
export function selectKeys(entity: PostgresEntity, range: KeyRange): string {
  const columns = entity.key.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} ORDER BY ${keyOrder(entity.key)}`
}

/** Those of rows that were written at or after the horizon, or of all others. */
export function selectKeysSince(
  entity: PostgresEntity,
  range: KeyRange,
  { horizon, xmax, newer }: { readonly horizon: string; readonly xmax: string; readonly newer: boolean },
): string {
  const columns = entity.key.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  const since = `${newer ? '' : 'NOT '}(${writtenSince(horizon, xmax, rowAliases(entity))})`
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} AND ${since} ORDER BY ${keyOrder(entity.key)}`
}

/** The SELECT form, because a plain `COPY table` refuses partitioned tables and leaves out generated columns and inheritance children. */
export function copySql(select: string): string {
  return `COPY (${select}) TO STDOUT`
}
