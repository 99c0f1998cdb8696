import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { quoteIdent } from '../quote.ts'
import { matches, refersToKey } from './check-foreign-keys.ts'
import { ACTION_CODE, type DecidedItem } from './decide-actions.ts'
import { columnOf, LINE, sameKey, sameText } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

/**
 * Where foreign key triggers cannot be silenced, an update of columns that others refer to with ON UPDATE CASCADE, SET NULL or SET DEFAULT would
 * change rows that the restore was not asked to touch; and one that takes a value from rows of a foreign key that stays on would be refused, though
 * those rows are about to let go of it.
 *
 * @throws `E_PERMISSION` naming the foreign key.
 */
export async function refuseCascades(tx: TargetTransaction, decided: readonly DecidedItem[], standing: ReadonlySet<string>): Promise<void> {
  for (const { staged, fitted, actions } of decided) {
    for (const key of fitted.live.referencedBy) {
      const stands = standing.has(key.oid)
      if (refersToKey(key, fitted) || (!stands && (key.onUpdate === 'a' || key.onUpdate === 'r'))) continue
      const columns = key.parentColumns.filter((column) => fitted.fields.some((field) => field.written && field.column === column))
      const differs = columns.map((column) => `NOT (${sameText(columnOf('l', column), columnOf('s', column))})`)
      if (differs.length === 0) continue
      const [row] = await tx.rows(
        'looking for updates that would cascade',
        `SELECT '1' AS one FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}
         WHERE a.act = ${ACTION_CODE.update} AND (${differs.join(' OR ')}) ${stands ? `AND EXISTS (SELECT FROM ${key.childTable} c WHERE ${matches(key, 'l', 'c')})` : ''} LIMIT 1`,
      )
      if (!row) continue
      const name = quoteIdent(key.name)
      const trouble = stands
        ? `rows of ${key.childTable} refer to values of ${fitted.live.table} that are to be updated, and foreign key ${name} is one that this role may neither silence nor defer`
        : `updates of ${fitted.live.table} would cascade into ${key.childTable} through ${name}, which this role may not silence`
      throw new HoldfastError('E_PERMISSION', trouble, {
        hint: 'Restore as a superuser, or GRANT SET ON PARAMETER session_replication_role to the role (PostgreSQL 15 and later).',
      })
    }
  }
}
