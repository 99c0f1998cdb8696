import type { EntityReconciliation, ReconcileOptions, ReconcileReport } from '../../../../src/contracts/restore-target.ts'
import { problemList, type ProblemList } from '../../problem-list.ts'
import type { MysqlEntity } from '../catalog.ts'
import { checkChildrenBefore, checkParentsBefore } from './check-foreign-keys.ts'
import { checkUniques } from './check-uniques.ts'
import { checkValues } from './check-values.ts'
import { type DecidedItem, decideActions, emptyActions } from './decide-actions.ts'
import { assertUnchanged } from './live-look.ts'
import { refuseStrangers } from './refuse-strangers.ts'
import { refuseTriggers } from './refuse-triggers.ts'
import type { FittedItem } from './fit-record.ts'
import type { StagedRecords } from './stage-records.ts'
import { takeSamples } from './take-samples.ts'
import type { TargetSession, TargetStatements } from './target-session.ts'
import { judgeRows } from './watch-rows.ts'

const DEFAULT_SAMPLES = 5

/**
 * Compares what is staged with what is live, and locks no row: each statement sees what was committed before it, so that rows which change meanwhile may be counted as
 * they were or as they are. The merge compares again, under its locks.
 */
export async function reconcile(
  { session, looked }: { readonly session: TargetSession; readonly looked: ReadonlyMap<string, MysqlEntity> },
  staged: readonly StagedRecords[],
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  const { signal, samples = DEFAULT_SAMPLES } = options
  const list = problemList(options.problemLimit)
  await session.statements(async (statements) => {
    for (const each of staged) await emptyActions(statements, each)
  }, options)
  const isolation = (await logsStatements(session)) ? 'REPEATABLE READ' : 'READ COMMITTED'
  const entities = await session.transaction(
    async (statements) => {
      await assertUnchanged(
        session,
        looked,
        staged.map(({ fitted }) => fitted.item),
        options,
      )
      const first = await decideAll(statements, staged)
      await refuseStrangers(statements, first, 'before')
      const decided = await judgeRows(statements, first, options.watch)
      for (const item of decided) refuseTriggers(item.fitted.live, item.counts)
      await findAllProblems(statements, decided, unfinished(staged), list, { far: true })
      const found: EntityReconciliation[] = []
      for (const item of decided) found.push(await describe(statements, item, samples))
      return found
    },
    { signal, isolation },
  )
  return { entities, problems: list.problems, problemCount: list.count }
}

/** A server that logs statements takes no writes under READ COMMITTED. Under the next level live rows are locked against writers while they are compared. */
async function logsStatements(session: TargetSession): Promise<boolean> {
  const [row] = await session.statements((statements) => statements.rows('asking what the server logs', 'SELECT @@log_bin AS logs, @@binlog_format AS format'))
  return row?.logs === '1' && row.format === 'STATEMENT'
}

export async function decideAll(statements: TargetStatements, staged: readonly StagedRecords[]): Promise<readonly DecidedItem[]> {
  const decided: DecidedItem[] = []
  for (const each of staged) decided.push(await decideActions(statements, each))
  return decided
}

/** All that would refuse the merge and can be seen before anything is written. */
export async function findAllProblems(
  statements: TargetStatements,
  decided: readonly DecidedItem[],
  unknownParents: ReadonlySet<string>,
  list: ProblemList,
  reach: { readonly far: boolean },
): Promise<void> {
  for (const item of decided) {
    await checkValues(statements, item, list)
    await checkUniques(statements, item, list, reach)
    await checkParentsBefore(statements, item, decided, unknownParents, list)
    await checkChildrenBefore(statements, item, decided, list)
  }
}

/** Tables of which only a part was staged, because a line was refused: that their other records are missing is known already. */
function unfinished(staged: readonly StagedRecords[]): ReadonlySet<string> {
  return new Set(staged.filter(({ complete }) => !complete).map(({ fitted }) => fitted.live.table))
}

async function describe(statements: TargetStatements, { staged, fitted, counts }: DecidedItem, samples: number): Promise<EntityReconciliation> {
  const { create, update, identical, keep, conflict, absent, lost, stuck, delete: deleted } = counts
  const matched = staged.rows - staged.refused - create - absent - lost
  const extra = fitted.item.partial ? 0 : Math.max(0, (await countLive(statements, fitted)) - matched)
  const taken = samples > 0 ? await takeSamples(statements, { staged, fitted, counts }, samples) : []
  return { entity: fitted.item.entity, create, update, identical, keep, conflict, absent, failed: lost + stuck, delete: deleted, extra, samples: taken }
}

async function countLive(statements: TargetStatements, { live }: FittedItem): Promise<number> {
  const [row] = await statements.rows('counting the live rows', `SELECT COUNT(*) AS n FROM ${live.table} l WHERE ${live.own ?? 'TRUE'}`)
  return Number(row?.n)
}
