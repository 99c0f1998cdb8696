import type { RecordProblem } from '../contracts/restore-target.ts'
import { assertAccounted } from './assert-accounted.ts'
import { rangeCounts, renumbered, unchangedRows } from './chosen-item.ts'
import { conflictProblems, firstSamples, LISTED_CONFLICTS } from './conflicts.ts'
import { withMovedLoaded } from './load-moved.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { PROBLEM_LIMIT } from './restore-request.ts'
import type { RestoredEntity } from './restore-result.ts'

/** What a restore would do to the entities of one store. */
export interface ComparedStore {
  readonly entities: readonly RestoredEntity[]
  /** The first rows of each entity that the policy leaves undecided. */
  readonly conflicts: readonly RecordProblem[]
}

/** Of each store that was staged. */
export type Comparison = ReadonlyMap<OpenStore, ComparedStore>

/** Compares what is staged with what is live. Problems go to the ledger. */
export async function compareStores(stores: readonly OpenStore[], context: RestoreContext): Promise<Comparison> {
  const staged = stores.filter(({ direct }) => !direct)
  const compared = new Map<OpenStore, ComparedStore>()
  if (staged.length === 0) return compared
  context.meters.begin('comparing')
  for (const store of staged) compared.set(store, await compareStore(store, context))
  return compared
}

async function compareStore(store: OpenStore, context: RestoreContext): Promise<ComparedStore> {
  const { selection, target } = store
  const { meters, problems, samples, policy, signal } = context
  const before = problems.count
  const undecided = policy === 'fail' || policy === 'newer-version-wins'
  const report = await withMovedLoaded(store, 'comparing', context, () =>
    target.reconcile(store.items, { signal, samples: undecided ? LISTED_CONFLICTS : samples, problemLimit: PROBLEM_LIMIT }),
  )
  const { items } = store
  problems.note(selection.store.name, renumbered(report.problems, items), report.problemCount)
  // After a refused line loading stopped, so the numbers of its entity are those of a part.
  if (before === 0) assertAccounted(items, report.entities)
  const entities = items.map((item): RestoredEntity => {
    const { archived } = item
    const found = report.entities.find((one) => one.entity === item.entity)!
    const skipped = unchangedRows(item)
    const meter = meters.of(archived)
    meter.reached(found.create + found.update + found.conflict)
    meter.left(found.identical + found.keep + skipped)
    meter.done()
    return {
      store: selection.store.name,
      records: archived.rows,
      ...found,
      identical: found.identical + skipped,
      extra: found.extra - skipped,
      ...rangeCounts(item),
      samples: firstSamples(found.samples, samples),
    }
  })
  return { entities, conflicts: report.entities.flatMap(conflictProblems) }
}
