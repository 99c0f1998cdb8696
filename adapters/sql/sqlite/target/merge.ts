import { refuseStrangers } from './refuse-strangers.ts'
import type { SequenceState } from '../../../../src/contracts/consistent-view.ts'
import type { MergedEntity, RowWatch } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { SqliteConnection } from '../connection.ts'
import { advanceSequence } from '../sequences.ts'
import type { Slices } from '../slices.ts'
import { ACTION } from './actions.ts'
import { classify, countActions } from './classify.ts'
import { brokenReferences, type BrokenReference, checkWrittenRows, childrenByOtherColumns } from './foreign-keys.ts'
import type { ItemPlan } from './item-plan.ts'
import { createProblemList, type ProblemList } from './problem-list.ts'
import { findProblems } from './reconcile.ts'
import { readSamples } from './samples.ts'
import { judgeRows, showWritten } from './watch-rows.ts'
import { deleteRows, writeRows, type Written } from './write-rows.ts'

export interface MergeWork {
  readonly plans: readonly ItemPlan[]
  readonly sequences: readonly SequenceState[]
  readonly problemLimit: number
  readonly onProgress: (entity: string, rows: number) => void
  readonly watch?: RowWatch | undefined
}

/** What is staged goes into the live tables. Everything happens inside the transaction that the caller has begun, and throws when it must be rolled back. */
export function* mergeStaged(connection: SqliteConnection, { plans, sequences, problemLimit, onProgress, watch }: MergeWork): Slices<readonly MergedEntity[]> {
  for (const plan of plans) yield* classify(connection, plan)
  yield* refuseStrangers(connection, plans, 'before')
  yield* judgeRows(connection, plans, watch)
  refuseConflicts(connection, plans)
  const problems = createProblemList(problemLimit)
  yield* findProblems(connection, plans, problems)
  problems.refuse()

  const watched = referenceWatch(connection, plans)
  const entities: MergedEntity[] = []
  const deleted = new Map<ItemPlan, number>()
  for (const plan of [...plans].reverse()) deleted.set(plan, yield* deleteRows(connection, plan))
  for (const plan of plans) {
    const { entity } = plan.item
    const { identical, keep: kept, absent, lost, stuck } = countActions(connection, plan)
    const { created, updated }: Written = yield* writeRows(connection, plan, problems, (written) => onProgress(entity, written.created + written.updated))
    entities.push({ entity, created, updated, identical, kept, absent, failed: lost + stuck, deleted: deleted.get(plan)! })
  }
  problems.refuse()
  for (const plan of plans) yield* checkWrittenRows(connection, plan, problems)
  watched.check(problems)
  problems.refuse()
  yield* refuseStrangers(connection, plans, 'after')
  yield* showWritten(connection, plans, watch)
  advanceSequences(connection, plans, sequences)
  return entities
}

function refuseConflicts(connection: SqliteConnection, plans: readonly ItemPlan[]): void {
  const conflicts = plans.flatMap((plan) => {
    const { conflict } = countActions(connection, plan)
    if (conflict === 0) return []
    const keys = readSamples(connection, plan, 5).filter(({ action }) => action === 'conflict')
    return [{ entity: plan.item.entity, rows: conflict, keys: keys.map(({ key }) => key) }]
  })
  if (conflicts.length === 0) return
  throw new HoldfastError(
    'E_RESTORE_CONFLICT',
    `the policy cannot decide ${conflicts.map(({ entity, rows, keys }) => `${rows} of "${entity}" (${keys.join(', ')}${rows > keys.length ? ', …' : ''})`).join(', ')}; nothing was written`,
    { details: { conflicts } },
  )
}

/** Sequences of the restored entities, none of them moved back. */
export function advanceSequences(connection: SqliteConnection, plans: readonly ItemPlan[], sequences: readonly SequenceState[]): void {
  for (const plan of plans) {
    const saved = sequences.find(({ entity }) => entity === plan.item.entity || entity === plan.item.record.name)
    advanceSequence(connection, plan.entity, saved?.lastValue ?? null)
  }
}

/** Rows of other tables that point at a column, not the key, of a row that an update may change. Broken ones there were before do not count. */
function referenceWatch(connection: SqliteConnection, plans: readonly ItemPlan[]): { check(problems: ProblemList): void } {
  const updated = plans.filter((plan) => connection.count(`SELECT EXISTS (SELECT 1 FROM ${plan.actions} WHERE act = ${ACTION.update})`) > 0)
  const children = [...new Set(updated.flatMap((plan) => childrenByOtherColumns(connection, plan)))]
  const identity = ({ rowid, foreignKey, parent }: BrokenReference) => `${rowid} ${foreignKey} ${parent}`
  const before = children.map((child) => ({ child, broken: countBy(brokenReferences(connection, child), identity) }))
  return {
    check(problems) {
      for (const { child, broken } of before) {
        const now = countBy(brokenReferences(connection, child), identity)
        for (const [key, rows] of now) {
          const more = rows - (broken.get(key) ?? 0)
          if (more > 0)
            problems.add({
              entity: child,
              key: null,
              cause: 'missing-parent',
              message: `${more} rows of "${child}" would lose the row that they refer to in "${key.split(' ').slice(2).join(' ')}"`,
            })
        }
      }
    },
  }
}

function countBy<T>(list: readonly T[], of: (one: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const one of list) counts.set(of(one), (counts.get(of(one)) ?? 0) + 1)
  return counts
}
