import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { ACTION_CODE } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import { distinctNulls, indexed, mayChange, sameEntry } from './check-uniques.ts'
import type { DecidedItem } from './decide-actions.ts'
import { finalImage } from './final-image.ts'
import type { FittedItem } from './fit-record.ts'
import type { LiveColumn, UniqueIndex } from './live-table.ts'
import { columnOf, LINE, sameKey } from './row-sql.ts'
import type { Silence } from './silence.ts'
import type { StagingArea } from './staging-area.ts'
import type { TargetTransaction } from './target-session.ts'

/**
 * Rows that exchange unique values. PostgreSQL checks a unique index row by row, so the first of them would find its new value still taken.
 * Every row whose present value another updated row will take makes room first:
 *
 * - with foreign key triggers silenced, it leaves the table and comes back after the other updates (DELETE, INSERT);
 * - without, where a DELETE would cascade, one column of the index is set to NULL until its own update comes; NOT NULL is dropped for that long.
 *
 * @returns What brings the rows back that left, and counts them. Call it after the updates.
 * @throws `E_PERMISSION` where neither can be done.
 */
export async function makeRoomForSwaps(tx: TargetTransaction, area: StagingArea, decided: DecidedItem, silence: Silence): Promise<() => Promise<number>> {
  const nothing = async () => 0
  if (decided.counts.update < 2) return nothing
  // A deferrable constraint is checked when all is written.
  const swapped: UniqueIndex[] = []
  for (const index of decided.fitted.live.uniques)
    if (!index.deferrable && mayChange(index, decided) && (await markSwaps(tx, decided, index)) > 0) swapped.push(index)
  if (swapped.length === 0) return nothing
  if (silence.replica) return leaveTable(tx, area, decided)
  for (const index of swapped) await parkAtNull(tx, decided, index, silence)
  await tx.run('noting rows that made room', `UPDATE ${decided.actions} SET act = ${ACTION_CODE.update} WHERE act = ${ACTION_CODE.swap}`)
  return nothing
}

function markSwaps(tx: TargetTransaction, decided: DecidedItem, index: UniqueIndex): Promise<number> {
  const { staged, fitted, actions } = decided
  const present = `(SELECT s.${LINE}, l.* FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}
                    WHERE a.act IN (${ACTION_CODE.update}, ${ACTION_CODE.swap}))`
  return tx.run(
    'looking for rows that exchange unique values',
    `UPDATE ${actions} m SET act = ${ACTION_CODE.swap}
     FROM ${indexed(decided, index, present, [LINE])} h JOIN ${indexed(decided, index, finalImage(decided), [LINE])} w ON ${sameEntry(index, 'h', 'w')} AND h.${LINE} <> w.${LINE}
     JOIN ${actions} wa ON wa.line = w.${LINE} AND wa.act <> ${ACTION_CODE.create}
     WHERE m.line = h.${LINE} AND m.act IN (${ACTION_CODE.update}, ${ACTION_CODE.swap})`,
  )
}

async function leaveTable(tx: TargetTransaction, area: StagingArea, { staged, fitted, actions }: DecidedItem): Promise<() => Promise<number>> {
  const { name: parked, create } = area.passing(staged.rows)
  const columns = fitted.live.columns.filter(({ computed }) => !computed).map(({ name }) => name)
  const written = new Set(fitted.fields.filter((field) => field.written).map(({ column }) => column))
  const rows = `${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line`
  await tx.rows(
    'taking rows out that exchange unique values',
    `${create} AS SELECT s.${LINE}, ${columns.map((column) => columnOf('l', column)).join(', ')}
       FROM ${rows} JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')} WHERE a.act = ${ACTION_CODE.swap};
     DELETE FROM ${fitted.live.table} l USING ${rows} WHERE a.act = ${ACTION_CODE.swap} AND ${sameKey(fitted.live, 'l', 's')}`,
  )
  return async () => {
    const back = await tx.run(
      'bringing rows back that exchanged unique values',
      `INSERT INTO ${fitted.live.table} (${columns.map(quoteIdent).join(', ')}) OVERRIDING SYSTEM VALUE
       SELECT ${columns.map((column) => columnOf(written.has(column) ? 's' : 'p', column)).join(', ')} FROM ${parked} p JOIN ${staged.table} s ON s.${LINE} = p.${LINE}`,
    )
    await tx.rows('dropping a staging table', `DROP TABLE ${parked}`)
    return back
  }
}

async function parkAtNull(tx: TargetTransaction, decided: DecidedItem, index: UniqueIndex, silence: Silence): Promise<void> {
  const { staged, fitted, actions } = decided
  const { live } = fitted
  if (!(await stillHeld(tx, decided, index))) return // another index's column took them out of this one too
  const column = parkingColumn(fitted, index)
  if (!column || (column.notNull && !live.owned)) throw cannotSwap(decided, index)
  const name = quoteIdent(column.name)
  if (column.notNull) {
    await tx.rows('making room for unique values', `ALTER TABLE ${live.table} ALTER COLUMN ${name} DROP NOT NULL`)
    silence.later(`ALTER TABLE ${live.table} ALTER COLUMN ${name} SET NOT NULL`, `NOT NULL of ${live.table}.${name}`)
  }
  await tx.run(
    'making room for unique values',
    `UPDATE ${live.table} l SET ${name} = NULL FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line WHERE a.act = ${ACTION_CODE.swap} AND ${sameKey(live, 'l', 's')}`,
  )
  if (await stillHeld(tx, decided, index)) throw cannotSwap(decided, index)
}

/** Whether a row that should make room has an entry in the index that could clash. */
async function stillHeld(tx: TargetTransaction, decided: DecidedItem, index: UniqueIndex): Promise<boolean> {
  const { staged, fitted, actions } = decided
  const present = `(SELECT l.* FROM ${actions} a JOIN ${staged.table} s ON s.${LINE} = a.line JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')} WHERE a.act = ${ACTION_CODE.swap})`
  const [held] = await tx.rows(
    'looking for unique values that are still held',
    `SELECT '1' AS one FROM ${indexed(decided, index, present, [])} e ${distinctNulls(index)} LIMIT 1`,
  )
  return held !== undefined
}

/** A column that the index depends on, that the updates will set again, and that nothing refers to; a nullable one where there is one. */
function parkingColumn({ live, fields }: FittedItem, index: UniqueIndex): LiveColumn | undefined {
  const referred = new Set(live.referencedBy.flatMap(({ parentColumns }) => parentColumns))
  const free = live.columns.filter(
    ({ name, identityAlways }) =>
      index.uses.includes(name) &&
      fields.some((field) => field.written && field.column === name) &&
      !identityAlways &&
      !referred.has(name) &&
      !live.key.some(({ column }) => column === name),
  )
  return free.find(({ notNull }) => !notNull) ?? free[0]
}

function cannotSwap({ fitted }: DecidedItem, index: UniqueIndex): HoldfastError {
  return new HoldfastError(
    'E_PERMISSION',
    `rows of ${fitted.live.table} exchange values of the unique index ${index.name}, which takes the right to silence foreign key triggers or to own the table`,
    {
      hint: 'Restore as a superuser, or GRANT SET ON PARAMETER session_replication_role to the role (PostgreSQL 15 and later).',
    },
  )
}
