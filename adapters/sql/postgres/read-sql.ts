import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { PostgresEntity } from './catalog.ts'
import { fromRows } from './from-rows.ts'
import { keyOrder, rangeCondition } from './key-sql.ts'
import { quoteIdent } from './quote.ts'

/** The rows of a range in key order, with the columns of the record in its order. */
export function selectRange(entity: PostgresEntity, range: KeyRange): string {
  const columns = entity.columns.map(({ column }) => `t.${quoteIdent(column)}`).join(', ')
  return `SELECT ${columns} ${fromRows(entity)} AND ${rangeCondition(entity.key, range)} ORDER BY ${keyOrder(entity.key)}`
}

/** The SELECT form, because a plain `COPY table` refuses partitioned tables and leaves out generated columns and inheritance children. */
export function copySql(select: string): string {
  return `COPY (${select}) TO STDOUT`
}
