import type { ConflictPolicy } from '../../../../src/contracts/restore-target.ts'
import type { FittedItem } from './fit-record.ts'
import { columnOf, LINE, sameKey, sameValue, sameValues } from './row-sql.ts'
import type { StagedRecords } from './stage-records.ts'
import type { TargetStatements } from './target-session.ts'

/** What is to happen to a record. `swap` is an update that must leave the table first, see `set-aside.ts`. Identical records are in no table of actions. */
export type Action = 'create' | 'update' | 'swap' | 'keep' | 'conflict'

/** How actions stand in the table of actions. */
export const ACTION_CODE: Readonly<Record<Action, string>> = { create: `'c'`, update: `'u'`, swap: `'p'`, keep: `'k'`, conflict: `'x'` }

/** Actions that write a row, as SQL list. */
export const WRITING = `(${ACTION_CODE.create}, ${ACTION_CODE.update}, ${ACTION_CODE.swap})`

/** Actions that overwrite a live row, as SQL list. */
export const OVERWRITING = `(${ACTION_CODE.update}, ${ACTION_CODE.swap})`

export interface ActionCounts {
  readonly create: number
  readonly update: number
  readonly identical: number
  readonly keep: number
  readonly conflict: number
  /** Of the updates, those that leave the table first. */
  readonly swap: number
}

/** Staged records with the decision on each. */
export interface DecidedItem {
  readonly staged: StagedRecords
  readonly fitted: FittedItem
  readonly counts: ActionCounts
}

/** A new, empty table of actions. DDL: before the transaction that fills it. */
export async function emptyActions(statements: TargetStatements, { actions }: StagedRecords): Promise<void> {
  await statements.rows('dropping a staging table', `DROP TABLE IF EXISTS ${actions}`)
  await statements.rows(
    'creating a staging table',
    `CREATE TABLE ${actions} (line INT UNSIGNED NOT NULL PRIMARY KEY, act CHAR(1) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL) ENGINE=InnoDB`,
  )
}

/**
 * Compares staged with live rows and writes the decision on every record down: the checks and the merge all go by it. Above READ COMMITTED, INSERT … SELECT locks
 * the live rows that it reads, and the gaps where there are none, so that a decision holds until the transaction ends.
 */
export async function decideActions(statements: TargetStatements, staged: StagedRecords): Promise<DecidedItem> {
  const { fitted, actions } = staged
  const written = fitted.fields.filter((field) => field.written)
  // Not IS NULL: of a date that may not be NULL, the server takes that for the zero date as well.
  const unmatched = `${columnOf('l', fitted.live.key[0]!.column)} <=> NULL`
  const match = `FROM ${staged.table} s LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted, 'l', 's')}`
  const act = `CASE WHEN ${unmatched} THEN ${ACTION_CODE.create} ELSE ${decision(fitted)} END`
  await statements.run(
    'comparing the records with the live rows',
    `INSERT INTO ${actions} (line, act) SELECT s.${LINE}, ${act} ${match} WHERE ${unmatched} OR NOT (${sameValues(written, 'l', 's')}) ORDER BY s.${LINE}`,
  )
  const rows = await statements.rows('counting the decisions', `SELECT act, COUNT(*) AS n FROM ${actions} GROUP BY act`)
  const count = (action: Action) => Number(rows.find((row) => `'${row.act}'` === ACTION_CODE[action])?.n ?? 0)
  const [create, keep, conflict, swap] = [count('create'), count('keep'), count('conflict'), count('swap')]
  const update = count('update') + swap
  return { staged, fitted, counts: { create, update, keep, conflict, swap, identical: staged.rows - create - update - keep - conflict } }
}

/** What the policy says of a row that differs. */
function decision(fitted: FittedItem): string {
  const policy: ConflictPolicy = fitted.item.policy
  switch (policy) {
    case 'overwrite':
      return overwriting(fitted)
    case 'skip':
      return ACTION_CODE.keep
    case 'fail':
      return ACTION_CODE.conflict
    case 'newer-version-wins': {
      if (!fitted.newer) return ACTION_CODE.conflict
      const [record, live] = [columnOf('s', fitted.newer.column), columnOf('l', fitted.newer.column)]
      return `CASE WHEN ${record} > ${live} THEN ${overwriting(fitted)} WHEN ${record} < ${live} THEN ${ACTION_CODE.keep} ELSE ${ACTION_CODE.conflict} END`
    }
  }
}

/** Rows whose unique values change leave the table before any other is written: the server looks at unique indexes row by row. */
function overwriting({ live, fields }: FittedItem): string {
  const unique = new Set(live.uniques.flatMap(({ columns }) => columns.map(({ name }) => name)))
  const changing = fields.filter(({ column, written }) => written && unique.has(column)).map((field) => `NOT (${sameValue(field.live, 'l', 's')})`)
  return changing.length === 0 ? ACTION_CODE.update : `IF(${changing.join(' OR ')}, ${ACTION_CODE.swap}, ${ACTION_CODE.update})`
}
