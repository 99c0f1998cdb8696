import type { ReconcileOptions, ReconcileReport, RecordProblem } from '../contracts/restore-target.ts'
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

/**
 * One store whose target can compare within the merge: there all of it is refused before anything is written, too, and it is compared once. Who follows rows or decides about them, or lets some
 * fail, has them compared before.
 */
export function comparesInMerge(stores: readonly OpenStore[], { dryRun, continueOnError, watcher, resolvers }: RestoreContext): boolean {
  return !dryRun && continueOnError === 0 && !watcher && resolvers.length === 0 && stores.length === 1 && stores[0]!.target.comparesInMerge === true
}

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
  const { meters, problems, signal } = context
  const before = problems.count
  const compare = (watched: RestoreContext) =>
    withMovedLoaded(store, 'comparing', context, () =>
      store.target.reconcile(store.items, {
        signal,
        ...watching('comparing', store, watched),
        ...listed(context),
      }),
    )
  const report = await (context.continueOnError > 0 ? withoutFailed(store, context, compare) : compare(context))
  // After a line that may not be refused loading stopped, so the numbers of its entity are those of a part.
  const compared = comparedStore(store, report, context, before <= context.continueOnError)
  for (const item of store.items) {
    const found = report.entities.find((one) => one.entity === item.entity)!
    const meter = meters.of(item.archived)
    meter.reached(found.create + found.update + found.conflict)
    meter.left(found.identical + found.keep + found.absent + found.failed + unchangedRows(item))
    meter.done()
  }
  return compared
}

/** How many samples and problems a target is asked for. */
export function listed({ policy, samples, continueOnError }: RestoreContext): Required<Pick<ReconcileOptions, 'samples' | 'problemLimit'>> {
  const undecided = policy === 'fail' || policy === 'newer-version-wins'
  return { samples: undecided ? LISTED_CONFLICTS : samples, problemLimit: problemLimit({ continueOnError }, PROBLEM_LIMIT) }
}

/** What the report of a target comes to. Problems go to the ledger. */
export function comparedStore(store: OpenStore, report: ReconcileReport, context: RestoreContext, complete: boolean): ComparedStore {
  const { selection, items, failed } = store
  const { problems, samples } = context
  if (context.continueOnError === 0) problems.note(selection.store.name, renumbered(report.problems, items), report.problemCount)
  if (complete) assertAccounted(items, report.entities, (entity) => failed.refused(entity))
  const entities = items.map((item): RestoredEntity => {
    const found = report.entities.find((one) => one.entity === item.entity)!
    const skipped = unchangedRows(item)
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
