import type { EntityReconciliation, ReconcileOptions, ReconcileReport } from '../../../../src/contracts/restore-target.ts'
import type { PostgresEntity } from '../catalog.ts'
import { checkChildrenBefore, checkParentsBefore } from './check-foreign-keys.ts'
import { checkUniques } from './check-uniques.ts'
import { checkValues } from './check-values.ts'
import { type DecidedItem, decideActions } from './decide-actions.ts'
import { assertUnchanged } from './live-look.ts'
import { problemList, type ProblemList } from '../../problem-list.ts'
import type { StagedRecords } from './stage-records.ts'
import type { StagingArea } from './staging-area.ts'
import { takeSamples } from './take-samples.ts'
import type { TargetSession, TargetTransaction } from './target-session.ts'

const DEFAULT_SAMPLES = 5

/** Compares what is staged with what is live, all in one snapshot; what it notes down on the way is rolled back. */
export async function reconcile(
  { session, area, looked }: { readonly session: TargetSession; readonly area: StagingArea; readonly looked: ReadonlyMap<string, PostgresEntity> },
  staged: readonly StagedRecords[],
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  const list = problemList(options.problemLimit)
  const entities = await session.transaction(
    async (tx) => {
      await assertUnchanged(
        tx,
        session.server,
        looked,
        staged.map(({ fitted }) => fitted.item),
        options,
      )
      const decided = await decideAll(tx, area, staged)
      await findAllProblems(tx, decided, unfinished(staged), list)
      const found: EntityReconciliation[] = []
      for (const item of decided) found.push(await describe(tx, item, options.samples ?? DEFAULT_SAMPLES))
      return found
    },
    { signal: options.signal, characteristics: 'ISOLATION LEVEL REPEATABLE READ', ending: 'rollback' },
  )
  return { entities, problems: list.problems, problemCount: list.count }
}

export async function decideAll(tx: TargetTransaction, area: StagingArea, staged: readonly StagedRecords[]): Promise<readonly DecidedItem[]> {
  const decided: DecidedItem[] = []
  for (const each of staged) decided.push(await decideActions(tx, area, each))
  return decided
}

/** All that would refuse the merge and can be seen before anything is written. */
export async function findAllProblems(
  tx: TargetTransaction,
  decided: readonly DecidedItem[],
  unknownParents: ReadonlySet<string>,
  list: ProblemList,
): Promise<void> {
  for (const item of decided) {
    await checkValues(tx, item, list)
    await checkUniques(tx, item, list)
    await checkParentsBefore(tx, item, decided, unknownParents, list)
    await checkChildrenBefore(tx, item, decided, list)
  }
}

/** Tables of which only a part was staged, because a line was refused: that their other records are missing is known already. */
function unfinished(staged: readonly StagedRecords[]): ReadonlySet<string> {
  return new Set(staged.filter(({ complete }) => !complete).map(({ fitted }) => fitted.live.oid))
}

async function describe(tx: TargetTransaction, item: DecidedItem, samples: number): Promise<EntityReconciliation> {
  const { staged, fitted, counts } = item
  const [live] = await tx.rows('counting the live rows', `SELECT count(*)::text AS rows FROM ${fitted.live.table}`)
  const matched = staged.rows - counts.create
  return { entity: fitted.item.entity, ...counts, extra: Number(live?.rows) - matched, samples: samples > 0 ? await takeSamples(tx, item, samples) : [] }
}
