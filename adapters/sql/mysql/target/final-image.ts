import { LEAVING, WRITING } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import type { DecidedItem } from './decide-actions.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'

/**
 * The rows as they will stand once written, as a subquery of `LINE` and every live column under its own name. Columns that the record lacks are those of the live
 * row; NULL in a row to be created, whose default is not known before.
 */
export function finalImage({ staged, fitted }: DecidedItem): string {
  const { live } = fitted
  const mapped = new Set(fitted.fields.map(({ column }) => column))
  const columns = live.columns.map(({ name }) => `${columnOf(mapped.has(name) ? 's' : 'l', name)} AS ${quoteIdent(name)}`)
  const join = live.columns.every(({ name }) => mapped.has(name)) ? '' : `LEFT JOIN ${live.table} l ON ${sameKey(fitted, 'l', 's')}`
  return `(SELECT s.${LINE}, ${columns.join(', ')} FROM ${staged.actions} a JOIN ${staged.table} s ON s.${LINE} = a.line ${join} WHERE a.act IN ${WRITING})`
}

/** SQL condition: the live row under this alias is going to be overwritten or deleted. */
export function isLeaving({ staged, fitted }: DecidedItem, alias: string): string {
  return `EXISTS (SELECT 1 FROM ${staged.table} os JOIN ${staged.actions} oa ON oa.line = os.${LINE} WHERE oa.act IN ${LEAVING} AND ${sameKey(fitted, 'os', alias)})`
}
