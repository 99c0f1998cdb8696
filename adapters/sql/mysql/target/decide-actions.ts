import type { ConflictPolicy } from '../../../../src/contracts/restore-target.ts'
import { ACTION_CODE, type Action } from '../../merge-action.ts'
import { quoteIdent } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import { columnOf, LINE, sameKey, sameValue, sameValues } from './row-sql.ts'
import type { StagedRecords } from './stage-records.ts'
import type { TargetStatements } from './target-session.ts'

export interface ActionCounts {
  readonly create: number
  readonly update: number
  readonly identical: number
  readonly keep: number
  readonly conflict: number
  readonly absent: number
  /** Of records that are left out, those without a live row, and those with one. */
  readonly lost: number
  readonly stuck: number
  readonly delete: number
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
  const missing = fitted.item.create === false ? ACTION_CODE.absent : ACTION_CODE.create
  const act = `CASE ${removal(fitted)}WHEN ${unmatched} THEN ${missing} ELSE ${decision(fitted)} END`
  // What an earlier comparison has added.
  if (fitted.item.deleteExtra) await statements.run('comparing the records with the live rows', `DELETE FROM ${staged.table} WHERE ${LINE} > ${staged.rows}`)
  await statements.run(
    'comparing the records with the live rows',
    `INSERT INTO ${actions} (line, act) SELECT s.${LINE}, ${act} ${match} WHERE ${concerned(fitted, `${unmatched} OR NOT (${sameValues(written, 'l', 's')})`, unmatched)} ORDER BY s.${LINE}`,
  )
  await leaveOut(statements, staged)
  if (fitted.item.deleteExtra) await addExtra(statements, staged)
  return { staged, fitted, counts: await countActions(statements, staged) }
}

export async function countActions(statements: TargetStatements, { fitted, actions, rows, refused }: StagedRecords): Promise<ActionCounts> {
  const found = await statements.rows('counting the decisions', `SELECT act, COUNT(*) AS n FROM ${actions} GROUP BY act`)
  const count = (action: Action) => Number(found.find((row) => `'${row.act}'` === ACTION_CODE[action])?.n ?? 0)
  const [create, keep, conflict, swap, absent] = [count('create'), count('keep'), count('conflict'), count('swap'), count('absent')]
  const update = count('update') + swap
  const [lost, stuck] = [count('lost'), count('stuck')]
  const deleted = count('delete')
  // Extra rows stand behind the records; of records, only those that say so are deleted.
  const removed = fitted.item.deleteFrom === undefined ? 0 : deleted
  const identical = rows - refused - create - update - keep - conflict - absent - lost - stuck - removed
  return { create, update, keep, conflict, swap, absent, lost, stuck, delete: deleted, identical }
}

async function leaveOut(statements: TargetStatements, { fitted, actions }: StagedRecords): Promise<void> {
  const { leaveOut: lines = [] } = fitted.item
  if (lines.length === 0) return
  const { create, update, swap, conflict, lost, stuck } = ACTION_CODE
  await statements.run(
    'leaving records out',
    `UPDATE ${actions} SET act = IF(act = ${create}, ${lost}, ${stuck}) WHERE line IN (${lines.map(Math.trunc).join(', ')}) AND act IN (${create}, ${update}, ${swap}, ${conflict})`,
  )
}

/** Records that stand for rows to be deleted. */
function removal({ item: { deleteFrom } }: FittedItem): string {
  return deleteFrom === undefined ? '' : `WHEN s.${LINE} >= ${Math.trunc(deleteFrom)} THEN ${ACTION_CODE.delete} `
}

/** Records that something is noted of, whether their values differ or not. */
function concerned({ item: { deleteFrom } }: FittedItem, differs: string, unmatched: string): string {
  return deleteFrom === undefined ? differs : `IF(s.${LINE} >= ${Math.trunc(deleteFrom)}, NOT (${unmatched}), ${differs})`
}

/** Live rows without a record join the staged ones, behind the last record, to be deleted. */
async function addExtra(statements: TargetStatements, { fitted, table, rows, actions }: StagedRecords): Promise<void> {
  const columns = fitted.fields.map(({ column }) => column)
  const order = fitted.key.map(({ column }) => columnOf('l', column)).join(', ')
  await statements.run(
    'looking for live rows without a record',
    `INSERT INTO ${table} (${[...columns.map(quoteIdent), LINE].join(', ')})
     SELECT ${columns.map((column) => columnOf('l', column)).join(', ')}, ${rows} + ROW_NUMBER() OVER (ORDER BY ${order}) FROM ${fitted.live.table} l
     WHERE NOT EXISTS (SELECT 1 FROM ${table} s WHERE ${sameKey(fitted, 'l', 's')})${fitted.live.own === null ? '' : ` AND ${fitted.live.own}`}`,
  )
  await statements.run(
    'looking for live rows without a record',
    `INSERT INTO ${actions} (line, act) SELECT ${LINE}, ${ACTION_CODE.delete} FROM ${table} WHERE ${LINE} > ${rows}`,
  )
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
export function overwriting({ live, fields }: FittedItem): string {
  const unique = new Set(live.uniques.flatMap(({ columns }) => columns.map(({ name }) => name)))
  const changing = fields.filter(({ column, written }) => written && unique.has(column)).map((field) => `NOT (${sameValue(field.live, 'l', 's')})`)
  return changing.length === 0 ? ACTION_CODE.update : `IF(${changing.join(' OR ')}, ${ACTION_CODE.swap}, ${ACTION_CODE.update})`
}
