import type { ConflictPolicy } from '../../../../src/contracts/restore-target.ts'
import { ACTION_CODE, type Action } from '../../merge-action.ts'
import type { TextRow } from '../query.ts'
import { quoteIdent } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import { keySpan } from './key-span.ts'
import { columnOf, LINE, sameKey, sameValues } from './row-sql.ts'
import type { StagedRecords } from './stage-records.ts'
import type { StagingArea } from './staging-area.ts'
import type { TargetTransaction } from './target-session.ts'

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
}

/** Staged records with the decision on each, valid inside the transaction that took it. */
export interface DecidedItem {
  readonly staged: StagedRecords
  readonly fitted: FittedItem
  /** Table of `line`, `act`. */
  readonly actions: string
  readonly counts: ActionCounts
}

/** Compares staged with live rows, and writes the decision on every record down: the checks and the merge all go by it. */
export async function decideAll(tx: TargetTransaction, area: StagingArea, all: readonly StagedRecords[]): Promise<readonly DecidedItem[]> {
  const deciding: { readonly staged: StagedRecords; readonly actions: string; readonly statements: readonly string[] }[] = []
  for (const staged of all) {
    const { name: actions, create } = area.passing(staged.rows)
    deciding.push({ staged, actions, statements: decidingSql(staged, { actions, create, among: await keySpan(tx, staged, 'l') }) })
  }
  const counted = await tx.all(
    'comparing the records with the live rows',
    deciding.map(({ statements }) => statements),
  )
  return deciding.map(({ staged, actions }, at) => ({ staged, fitted: staged.fitted, actions, counts: countsOf(staged, counted[at]!) }))
}

/** `OFFSET 0` keeps the planner from comparing again for each use of the result. The last statement counts. */
function decidingSql(
  staged: StagedRecords,
  { actions, create, among }: { readonly actions: string; readonly create: string; readonly among: string },
): readonly string[] {
  const { fitted } = staged
  const written = fitted.fields.filter((field) => field.written)
  return [
    `${create} (line bigint NOT NULL, act "char" NOT NULL) WITH (autovacuum_enabled = false)`,
    `INSERT INTO ${actions} (line, act)
     SELECT line, act FROM (
       SELECT s.${LINE} AS line, CASE
         ${removal(fitted)}WHEN l.tableoid IS NULL THEN ${fitted.item.create === false ? ACTION_CODE.absent : ACTION_CODE.create}
         WHEN ${sameValues(written, 'l', 's')} THEN 'i'
         ELSE ${decision(fitted.item.policy, fitted)} END::"char" AS act
       FROM ${staged.table} s LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')}${among} OFFSET 0) decided
     WHERE act <> 'i' ORDER BY line`,
    ...leavingOut(fitted, actions),
    ...(fitted.item.deleteExtra ? extraSql(staged, actions) : []),
    `CREATE UNIQUE INDEX ON ${actions} (line)`,
    `ANALYZE ${actions}`,
    countStatement(actions),
  ]
}

export async function countActions(tx: TargetTransaction, staged: StagedRecords, actions: string): Promise<ActionCounts> {
  return countsOf(staged, await tx.rows('counting the decisions', countStatement(actions)))
}

const countStatement = (actions: string) => `SELECT act::text AS act, count(*)::text AS rows FROM ${actions} GROUP BY act`

function countsOf({ fitted, rows, refused }: StagedRecords, found: readonly TextRow[]): ActionCounts {
  const count = (action: Action) => Number(found.find(({ act }) => `'${act}'` === ACTION_CODE[action])?.rows ?? 0)
  const counts = {
    create: count('create'),
    update: count('update') + count('swap'),
    keep: count('keep'),
    conflict: count('conflict'),
    absent: count('absent'),
    lost: count('lost'),
    stuck: count('stuck'),
  }
  const deleted = count('delete')
  // Extra rows stand behind the records; of records, only those that say so are deleted.
  const removed = fitted.item.deleteFrom === undefined ? 0 : deleted
  const identical = rows - refused - counts.lost - counts.stuck - counts.create - counts.update - counts.keep - counts.conflict - counts.absent - removed
  return { ...counts, delete: deleted, identical }
}

function leavingOut({ item: { leaveOut = [] } }: FittedItem, actions: string): readonly string[] {
  if (leaveOut.length === 0) return []
  return [
    `UPDATE ${actions} SET act = CASE act WHEN ${ACTION_CODE.create} THEN ${ACTION_CODE.lost} ELSE ${ACTION_CODE.stuck} END::"char"
     WHERE line IN (${leaveOut.map(Math.trunc).join(', ')}) AND act IN (${ACTION_CODE.create}, ${ACTION_CODE.update}, ${ACTION_CODE.conflict})`,
  ]
}

/** Records that stand for rows to be deleted. */
function removal({ item: { deleteFrom } }: FittedItem): string {
  return deleteFrom === undefined
    ? ''
    : `WHEN s.${LINE} >= ${Math.trunc(deleteFrom)} THEN CASE WHEN l.tableoid IS NULL THEN 'i' ELSE ${ACTION_CODE.delete} END `
}

/** Live rows without a record join the staged ones, behind the last record, to be deleted. */
function extraSql({ fitted, table, rows }: StagedRecords, actions: string): readonly string[] {
  const columns = fitted.fields.map(({ column }) => column)
  const order = fitted.live.key.map(({ column }) => columnOf('l', column)).join(', ')
  return [
    `INSERT INTO ${table} (${[...columns.map(quoteIdent), LINE].join(', ')})
       SELECT ${columns.map((column) => columnOf('l', column)).join(', ')}, ${rows} + row_number() OVER (ORDER BY ${order}) FROM ${fitted.live.table} l
       WHERE NOT EXISTS (SELECT FROM ${table} s WHERE ${sameKey(fitted.live, 'l', 's')})${fitted.live.own === null ? '' : ` AND ${fitted.live.own}`}`,
    `INSERT INTO ${actions} (line, act) SELECT ${LINE}, ${ACTION_CODE.delete} FROM ${table} WHERE ${LINE} > ${rows}`,
  ]
}

/** What the policy says of a row that differs. */
function decision(policy: ConflictPolicy, { newer }: FittedItem): string {
  switch (policy) {
    case 'overwrite':
      return ACTION_CODE.update
    case 'skip':
      return ACTION_CODE.keep
    case 'fail':
      return ACTION_CODE.conflict
    case 'newer-version-wins': {
      if (!newer) return ACTION_CODE.conflict
      const [record, live] = [columnOf('s', newer.column), columnOf('l', newer.column)]
      return `CASE WHEN ${record} > ${live} THEN ${ACTION_CODE.update} WHEN ${record} < ${live} THEN ${ACTION_CODE.keep} ELSE ${ACTION_CODE.conflict} END`
    }
  }
}
