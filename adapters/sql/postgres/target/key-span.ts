import { columnOf } from './row-sql.ts'
import type { StagedRecords } from './stage-records.ts'
import type { TargetTransaction } from './target-session.ts'

/** Types whose order is that of numbers, so that what equals a value between two others lies between them. */
const COUNTED = new Set(['smallint', 'integer', 'bigint'])

/** So few rows are looked up one by one in any table in which that pays. */
const FEW = 100

/**
 * A condition, to be added to that of the key: the live row lies between the first and the last of the staged ones. It says nothing new to the database, but it lets the planner see that of a large
 * table only the end is meant, which it would read whole otherwise. Empty where little is staged, or the key does not begin with a whole number.
 */
export async function keySpan(
  tx: TargetTransaction,
  { table, fitted, rows }: Pick<StagedRecords, 'table' | 'fitted' | 'rows'>,
  alias: string,
): Promise<string> {
  const [first] = fitted.live.key
  const dbType = fitted.live.columns.find(({ name }) => name === first?.column)?.dbType
  if (!first || rows <= FEW || dbType === undefined || !COUNTED.has(dbType)) return ''
  const own = columnOf('s', first.column)
  const [span] = await tx.rows('looking for the span of the keys', `SELECT min(${own})::text AS least, max(${own})::text AS most FROM ${table} s`)
  if (!span?.least || !span.most) return ''
  return ` AND ${columnOf(alias, first.column)} BETWEEN '${span.least}'::${dbType} AND '${span.most}'::${dbType}`
}
