import { HoldfastError } from '../kernel/errors.ts'
import { assertAccounted } from './assert-accounted.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { PROBLEM_LIMIT } from './restore-request.ts'
import type { RestoredEntity } from './restore-result.ts'

/** What a restore would do to the entities of each store that was staged. */
export type Comparison = ReadonlyMap<OpenStore, readonly RestoredEntity[]>

/** Compares what is staged with what is live. Problems go to the ledger. */
export async function compareStores(stores: readonly OpenStore[], context: RestoreContext): Promise<Comparison> {
  const staged = stores.filter(({ direct }) => !direct)
  const compared = new Map<OpenStore, readonly RestoredEntity[]>()
  if (staged.length === 0) return compared
  context.meters.begin('comparing')
  for (const store of staged) compared.set(store, await compareStore(store, context))
  return compared
}

async function compareStore({ selection, target, items }: OpenStore, { meters, problems, samples, signal }: RestoreContext): Promise<RestoredEntity[]> {
  const before = problems.count
  const report = await target.reconcile(items, { signal, samples, problemLimit: PROBLEM_LIMIT })
  problems.note(selection.store.name, report.problems, report.problemCount)
  // After a refused line loading stopped, so the numbers of its entity are those of a part.
  if (before === 0) assertAccounted(items, report.entities)
  return items.map(({ entity, lines, archived }) => {
    const meter = meters.of(archived)
    meter.left(lines.rows)
    meter.done()
    return { store: selection.store.name, records: lines.rows, ...report.entities.find((found) => found.entity === entity)! }
  })
}

/** @throws `E_RESTORE_CONFLICT` naming every entity, of whatever store, with rows that the policy leaves undecided. */
export function refuseConflicts(compared: Comparison, { policy }: Pick<RestoreContext, 'policy'>): void {
  const undecided = [...compared.values()].flat().filter(({ conflict }) => conflict > 0)
  if (undecided.length === 0) return
  const said = undecided.map(({ entity, conflict }) => `${conflict} of "${entity}"`).join(', ')
  throw new HoldfastError('E_RESTORE_CONFLICT', `policy "${policy}" cannot decide ${said}; nothing was written`, {
    details: {
      policy,
      conflicts: undecided.map(({ store, entity, conflict, samples }) => ({
        store,
        entity,
        rows: conflict,
        keys: samples.filter(({ action }) => action === 'conflict').map(({ key }) => key),
      })),
    },
  })
}
