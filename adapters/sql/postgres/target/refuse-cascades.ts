import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { ACTION_CODE, WRITING } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import { matches, refersToKey } from './check-foreign-keys.ts'
import type { DecidedItem } from './decide-actions.ts'
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
  for (const item of decided) if (item.counts.delete > 0) await refuseCascadingDeletes(tx, item, decided)
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

/** Rows are deleted before others are written: one that is about to refer to another row would still refer to the deleted one, and go with it or hold it. */
async function refuseCascadingDeletes(tx: TargetTransaction, { staged, fitted, actions }: DecidedItem, decided: readonly DecidedItem[]): Promise<void> {
  for (const key of fitted.live.referencedBy) {
    const child = decided.find((item) => item.fitted.live.oid === key.child)
    if (!child) continue
    const [row] = await tx.rows(
      'looking for deletions that would cascade',
      `SELECT '1' AS one FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}
       JOIN ${key.childTable} c ON ${matches(key, 'l', 'c')} JOIN ${child.staged.table} cs ON ${sameKey(child.fitted.live, 'c', 'cs')}
       JOIN ${child.actions} ca ON ca.line = cs.${LINE} AND ca.act IN ${WRITING} WHERE a.act = ${ACTION_CODE.delete} LIMIT 1`,
    )
    if (!row) continue
    throw new HoldfastError(
      'E_PERMISSION',
      `rows of ${fitted.live.table} are to be deleted that rows of ${key.childTable} refer to until they are updated, through ${quoteIdent(key.name)}, which this role may not silence`,
      { hint: 'Restore as a superuser, or GRANT SET ON PARAMETER session_replication_role to the role (PostgreSQL 15 and later).' },
    )
  }
}
