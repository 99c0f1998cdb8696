import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { quoteIdent } from '../quote.ts'
import { refersToKey } from './check-foreign-keys.ts'
import { ACTION_CODE, type DecidedItem } from './decide-actions.ts'
import { columnOf, LINE, sameKey, sameText } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

/**
 * Where foreign key triggers cannot be silenced, an update of columns that others refer to with ON UPDATE CASCADE, SET NULL or SET DEFAULT would
 * change rows that the restore was not asked to touch.
 *
 * @throws `E_PERMISSION` naming the foreign key.
 */
export async function refuseCascades(tx: TargetTransaction, decided: readonly DecidedItem[]): Promise<void> {
  for (const { staged, fitted, actions } of decided) {
    for (const key of fitted.live.referencedBy) {
      if (refersToKey(key, fitted) || key.onUpdate === 'a' || key.onUpdate === 'r') continue
      const columns = key.parentColumns.filter((column) => fitted.fields.some((field) => field.written && field.column === column))
      const differs = columns.map((column) => `NOT (${sameText(columnOf('l', column), columnOf('s', column))})`)
      if (differs.length === 0) continue
      const [row] = await tx.rows(
        'looking for updates that would cascade',
        `SELECT '1' AS one FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}
         WHERE a.act = ${ACTION_CODE.update} AND (${differs.join(' OR ')}) LIMIT 1`,
      )
      if (!row) continue
      throw new HoldfastError(
        'E_PERMISSION',
        `updates of ${fitted.live.table} would cascade into ${key.childTable} through ${quoteIdent(key.name)}, which this role may not silence`,
        {
          hint: 'Restore as a superuser, or GRANT SET ON PARAMETER session_replication_role to the role (PostgreSQL 15 and later).',
        },
      )
    }
  }
}
