import { LEAVING, WRITING } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import type { DecidedItem } from './decide-actions.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'

/**
 * The rows as they will stand once written, as a subquery of `LINE` and every live column under its own name, so that expressions of indexes and
 * constraints read it as they read the table. Columns that the record lacks are those of the live row; NULL in a row to be created, whose
 * default is not known before.
 */
export function finalImage({ staged, fitted, actions }: DecidedItem): string {
  const mapped = new Set(fitted.fields.map(({ column }) => column))
  const columns = fitted.live.columns.map(({ name }) => `${columnOf(mapped.has(name) ? 's' : 'l', name)} AS ${quoteIdent(name)}`)
  const live = fitted.live.columns.every(({ name }) => mapped.has(name)) ? '' : `LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}`
  return `(SELECT s.${LINE}, ${columns.join(', ')} FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line ${live} WHERE a.act IN ${WRITING})`
}

/** SQL condition: the live row under this alias is going to be overwritten or deleted. */
export function isLeaving({ staged, fitted, actions }: DecidedItem, alias: string): string {
  return `EXISTS (SELECT FROM ${staged.table} os JOIN ${actions} oa ON oa.line = os.${LINE} WHERE oa.act IN ${LEAVING} AND ${sameKey(fitted.live, 'os', alias)})`
}
