import type { KnownRange } from '../../../../src/contracts/key-range.ts'
import type { EntityReconciliation, ReconcileOptions, ReconcileReport } from '../../../../src/contracts/restore-target.ts'
import type { PostgresEntity } from '../catalog.ts'
import { childSearches, parentSearches } from './check-foreign-keys.ts'
import { uniqueSearches } from './check-uniques.ts'
import { valueSearches } from './check-values.ts'
import { decideAll, type DecidedItem } from './decide-actions.ts'
import { findProblems } from './find-problems.ts'
import { assertUnchanged } from './live-look.ts'
import { problemList, type ProblemList } from '../../problem-list.ts'
import { judgeRows } from './watch-rows.ts'
import { refuseStrangers } from './refuse-strangers.ts'
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
  return session.transaction(
    async (tx) => {
      await assertUnchanged(
        tx,
        session.server,
        looked,
        staged.map(({ fitted }) => fitted.item),
        options,
      )
      const first = await decideAll(tx, area, staged)
      await refuseStrangers(tx, first, 'before')
      return describeAll(tx, await judgeRows(tx, first, options.watch), staged, problemList(options.problemLimit), options.samples)
    },
    { signal: options.signal, characteristics: 'ISOLATION LEVEL REPEATABLE READ', ending: 'rollback' },
  )
}

/** What a merge of these rows would do, and all that speaks against it, which goes to the list. */
export async function describeAll(
  tx: TargetTransaction,
  decided: readonly DecidedItem[],
  staged: readonly StagedRecords[],
  list: ProblemList,
  samples = DEFAULT_SAMPLES,
): Promise<ReconcileReport> {
  await findAllProblems(tx, decided, unfinished(staged), list)
  const sampled = await takeSamples(tx, decided, samples)
  const entities: EntityReconciliation[] = []
  for (const [at, item] of decided.entries()) entities.push({ ...(await describe(tx, item)), samples: sampled[at]! })
  return { entities, problems: list.problems, problemCount: list.count }
}

/** All that would refuse the merge and can be seen before anything is written. */
export async function findAllProblems(
  tx: TargetTransaction,
  decided: readonly DecidedItem[],
  unknownParents: ReadonlySet<string>,
  list: ProblemList,
): Promise<void> {
  const searches = decided.flatMap((item) => [
    ...valueSearches(item),
    ...uniqueSearches(item),
    ...parentSearches(item, decided, unknownParents),
    ...childSearches(item, decided),
  ])
  await findProblems(tx, searches, list)
}

/** Tables of which only a part was staged, because a line was refused: that their other records are missing is known already. */
function unfinished(staged: readonly StagedRecords[]): ReadonlySet<string> {
  return new Set(staged.filter(({ complete }) => !complete).map(({ fitted }) => fitted.live.oid))
}

async function describe(tx: TargetTransaction, item: DecidedItem): Promise<Omit<EntityReconciliation, 'samples'>> {
  const { staged, fitted, counts } = item
  const { lost, stuck, ...told } = counts
  const matched = staged.rows - staged.refused - counts.create - counts.absent - lost
  const extra = fitted.item.partial ? 0 : (await countLive(tx, item)) - matched
  return { entity: fitted.item.entity, ...told, failed: lost + stuck, extra }
}

async function countLive(tx: TargetTransaction, { fitted: { live, item } }: DecidedItem): Promise<number> {
  const counted = countedRows(item.unchanged ?? [])
  if (counted !== null) return counted
  const [row] = await tx.rows('counting the live rows', `SELECT count(*)::text AS rows FROM ${live.table} l WHERE ${live.own ?? 'TRUE'}`)
  return Number(row?.rows)
}

/** Rows of the table, where ranges that were just found to be as they were cover all keys. */
function countedRows(unchanged: readonly KnownRange[]): number | null {
  const byFrom = new Map(unchanged.map((known) => [known.range.from, known]))
  let rows = 0
  for (let known = byFrom.get(null); known; known = byFrom.get(known.range.to)) {
    rows += known.rows
    if (known.range.to === null) return rows
  }
  return null
}
