import { strangeRows, type StrangeRows } from '../../scope-problem.ts'
import type { SqliteConnection } from '../connection.ts'
import { exactSelect, exactValues } from '../row-select.ts'
import type { Slices } from '../slices.ts'
import type { ItemPlan } from './item-plan.ts'
import { scopeCondition } from '../scope-sql.ts'

/** Keys named in a refusal. */
const KEYS = 5

/**
 * Live rows under the keys of records must be the tenant's: before anything is written, so that no row of another is overwritten or deleted; and when all is written, so that none came to be
 * another's.
 *
 * @throws `E_SCOPE_ROWS`
 */
export function* refuseStrangers(connection: SqliteConnection, plans: readonly ItemPlan[], when: 'before' | 'after'): Slices<void> {
  const found: StrangeRows[] = []
  for (const plan of plans) {
    const own = scopeCondition(plan.entity, 'l')
    if (own === null) continue
    const from = `FROM ${plan.staged} s CROSS JOIN ${plan.table} l ON ${plan.sameKey} WHERE (${own}) IS NOT TRUE`
    const rows = connection.count(`SELECT count(*) ${from}`)
    yield
    if (rows === 0) continue
    const list = exactSelect(plan.columns.map(({ stage }) => `s.${stage}`))
    const keys = connection.rows(`SELECT ${list} ${from} LIMIT ${KEYS}`).map((row) => plan.keyText(exactValues(row, plan.columns.length)))
    found.push({ entity: plan.item.entity, rows, keys })
  }
  if (found.length > 0) throw strangeRows(found, when)
}
