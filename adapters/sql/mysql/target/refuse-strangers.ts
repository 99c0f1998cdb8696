import { strangeRows, type StrangeRows } from '../../scope-problem.ts'
import type { DecidedItem } from './decide-actions.ts'
import { keyColumns, keyOfRow } from './record-key.ts'
import { sameKey } from './row-sql.ts'
import type { TargetStatements } from './target-session.ts'

/** Keys named in a refusal. */
const KEYS = 5

/**
 * Live rows under the keys of records must be the tenant's: before anything is written, so that no row of another is overwritten or deleted; and when all is written, so that none came to be
 * another's.
 *
 * @throws `E_SCOPE_ROWS`
 */
export async function refuseStrangers(statements: TargetStatements, decided: readonly DecidedItem[], when: 'before' | 'after'): Promise<void> {
  const found: StrangeRows[] = []
  for (const { staged, fitted } of decided) {
    const { live, item } = fitted
    if (live.own === null) continue
    const from = `FROM ${staged.table} s STRAIGHT_JOIN ${live.table} l ON ${sameKey(fitted, 'l', 's')} WHERE (${live.own}) IS NOT TRUE`
    const [count] = await statements.rows('looking for rows of other tenants', `SELECT COUNT(*) AS n ${from}`)
    if (count?.n === '0') continue
    const rows = await statements.rows('looking for rows of other tenants', `SELECT ${keyColumns(fitted, 'l')} ${from} LIMIT ${KEYS}`)
    found.push({ entity: item.entity, rows: Number(count?.n), keys: rows.map((row) => keyOfRow(fitted, row)) })
  }
  if (found.length > 0) throw strangeRows(found, when)
}
