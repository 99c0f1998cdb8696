import type { RecordProblem } from '../contracts/restore-target.ts'
import { assertAccounted } from './assert-accounted.ts'
import { conflictProblems, firstSamples, LISTED_CONFLICTS } from './conflicts.ts'
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

async function compareStore({ selection, target, items }: OpenStore, context: RestoreContext): Promise<ComparedStore> {
  const { meters, problems, samples, policy, signal } = context
  const before = problems.count
  const undecided = policy === 'fail' || policy === 'newer-version-wins'
  const report = await target.reconcile(items, { signal, samples: undecided ? LISTED_CONFLICTS : samples, problemLimit: PROBLEM_LIMIT })
  problems.note(selection.store.name, report.problems, report.problemCount)
  // After a refused line loading stopped, so the numbers of its entity are those of a part.
  if (before === 0) assertAccounted(items, report.entities)
  const entities = items.map(({ entity, lines, archived }): RestoredEntity => {
    const found = report.entities.find((one) => one.entity === entity)!
    const meter = meters.of(archived)
    meter.reached(found.create + found.update + found.conflict)
    meter.left(found.identical + found.keep)
    meter.done()
    return { store: selection.store.name, records: lines.rows, ...found, samples: firstSamples(found.samples, samples) }
  })
  return { entities, conflicts: report.entities.flatMap(conflictProblems) }
}
