import type { ConflictPolicy } from '../../../../src/contracts/restore-target.ts'
import type { FittedItem } from './fit-record.ts'
import { columnOf, LINE, sameKey, sameValues } from './row-sql.ts'
import type { StagedRecords } from './stage-records.ts'
import type { StagingArea } from './staging-area.ts'
import type { TargetTransaction } from './target-session.ts'

/** What becomes of a staged record; identical ones have no action. `swap`: an update that must leave the table first, see `part-swaps.ts`. */
export type Action = 'create' | 'update' | 'swap' | 'keep' | 'conflict'

/** How actions stand in the table of actions. */
export const ACTION_CODE: Readonly<Record<Action, string>> = { create: `'c'`, update: `'u'`, swap: `'p'`, keep: `'k'`, conflict: `'x'` }

/** Actions that write a row, as SQL list. */
export const WRITING = `(${ACTION_CODE.create}, ${ACTION_CODE.update}, ${ACTION_CODE.swap})`

export interface ActionCounts {
  readonly create: number
  readonly update: number
  readonly identical: number
  readonly keep: number
  readonly conflict: number
}

/** Staged records with the decision on each, valid inside the transaction that took it. */
export interface DecidedItem {
  readonly staged: StagedRecords
  readonly fitted: FittedItem
  /** Table of `line`, `act`. */
  readonly actions: string
  readonly counts: ActionCounts
}

/** Compares staged with live rows, once (`OFFSET 0` keeps the planner from comparing again for each use of the result), and writes the decision on every record down: the checks and the merge all go by it. */
export async function decideActions(tx: TargetTransaction, area: StagingArea, staged: StagedRecords): Promise<DecidedItem> {
  const { fitted } = staged
  const actions = area.name()
  const written = fitted.fields.filter((field) => field.written)
  await tx.rows(
    'comparing the records with the live rows',
    `CREATE UNLOGGED TABLE ${actions} (line bigint NOT NULL, act "char" NOT NULL) WITH (autovacuum_enabled = false);
     INSERT INTO ${actions} (line, act)
     SELECT line, act FROM (
       SELECT s.${LINE} AS line, CASE
         WHEN l.tableoid IS NULL THEN ${ACTION_CODE.create}
         WHEN ${sameValues(written, 'l', 's')} THEN 'i'
         ELSE ${decision(fitted.item.policy, fitted)} END::"char" AS act
       FROM ${staged.table} s LEFT JOIN ${fitted.live.table} l ON ${sameKey(fitted.live, 'l', 's')} OFFSET 0) decided
     WHERE act <> 'i' ORDER BY line;
     CREATE UNIQUE INDEX ON ${actions} (line);
     ANALYZE ${actions}`,
  )
  const rows = await tx.rows('counting the decisions', `SELECT act::text AS act, count(*)::text AS rows FROM ${actions} GROUP BY act`)
  const count = (action: Action) => Number(rows.find(({ act }) => `'${act}'` === ACTION_CODE[action])?.rows ?? 0)
  const counts = { create: count('create'), update: count('update'), keep: count('keep'), conflict: count('conflict') }
  const identical = staged.rows - counts.create - counts.update - counts.keep - counts.conflict
  return { staged, fitted, actions, counts: { ...counts, identical } }
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
