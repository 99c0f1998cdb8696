import type { ReconcileReport, RecordProblem } from '../contracts/restore-target.ts'
import { assertAccounted } from './assert-accounted.ts'
import { rangeCounts, recordsOf, renumbered, unchangedRows } from './chosen-item.ts'
import { conflictProblems, firstSamples, LISTED_CONFLICTS } from './conflicts.ts'
import { goOnWithout, problemLimit } from './go-on-without.ts'
import { withMovedLoaded } from './load-moved.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { watching } from './restore-watcher.ts'
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
  const { selection } = store
  const { meters, problems, samples, policy, signal } = context
  const before = problems.count
  const undecided = policy === 'fail' || policy === 'newer-version-wins'
  const compare = (watched: RestoreContext) =>
    withMovedLoaded(store, 'comparing', context, () =>
      store.target.reconcile(store.items, {
        signal,
        ...watching('comparing', store, watched),
        samples: undecided ? LISTED_CONFLICTS : samples,
        problemLimit: problemLimit(context, PROBLEM_LIMIT),
      }),
    )
  const report = await (context.continueOnError > 0 ? withoutFailed(store, context, compare) : compare(context))
  const { items, failed } = store
  if (context.continueOnError === 0) problems.note(selection.store.name, renumbered(report.problems, items), report.problemCount)
  // After a line that may not be refused loading stopped, so the numbers of its entity are those of a part.
  if (before <= context.continueOnError) assertAccounted(items, report.entities, (entity) => failed.refused(entity))
  const entities = items.map((item): RestoredEntity => {
    const { archived } = item
    const found = report.entities.find((one) => one.entity === item.entity)!
    const skipped = unchangedRows(item)
    const meter = meters.of(archived)
    meter.reached(found.create + found.update + found.conflict)
    meter.left(found.identical + found.keep + found.absent + found.failed + skipped)
    meter.done()
    return {
      store: selection.store.name,
      records: recordsOf(item),
      ...found,
      failed: found.failed + failed.refused(item.entity),
      identical: found.identical + skipped,
      extra: found.extra - skipped,
      ...rangeCounts(item),
      samples: firstSamples(found.samples, samples),
    }
  })
  return { entities, conflicts: report.entities.flatMap(conflictProblems) }
}

/**
 * Compares until nothing is left that cannot come back: without its parent, a record that was sound cannot either. Who follows the rows sees them when all that fails is out. A dry run that has found
 * more than may fail stops looking.
 */
async function withoutFailed(
  store: OpenStore,
  context: RestoreContext,
  compare: (watched: RestoreContext) => Promise<ReconcileReport>,
): Promise<ReconcileReport> {
  const quiet = { ...context, watcher: undefined }
  let watched = !context.watcher?.comparing
  for (;;) {
    const report = await compare(watched ? context : quiet)
    const again = report.problems.length > 0 && goOnWithout(store, report.problems, context)
    if (again) watched = !context.watcher?.comparing
    else if (watched) return report
    else watched = true
  }
}
