import type { RestoreTarget } from '../contracts/restore-target.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { buildResult } from './build-result.ts'
import { compareStores } from './compare-stores.ts'
import { refuseConflicts } from './conflicts.ts'
import { type Merged, mergeStores } from './merge-stores.ts'
import { type OpenStore, openTargets, prepareStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { keepDiagnostics, keepResult } from './restore-records.ts'
import type { RestoreResult } from './restore-result.ts'
import type { StoreSelection } from './select-entities.ts'
import { skipUnchanged } from './skip-unchanged.ts'
import { stageStores } from './stage-stores.ts'
import { validateStores } from './validate-ranges.ts'

/** open → look → validate → stage → compare → merge (DESIGN "Restore"). Nothing outside the staging areas changes before the merge. */
export async function runRestore(selections: readonly StoreSelection[], context: RestoreContext): Promise<RestoreResult> {
  const startedAt = context.clock.now()
  const targets: RestoreTarget[] = []
  try {
    await openTargets(selections, context, (target) => targets.push(target))
    const stores: OpenStore[] = []
    for (const [at, selection] of selections.entries()) stores.push(await prepareStore(selection, targets[at]!, context))
    const result = buildResult(context, startedAt, await restore(stores, context))
    return await keepResult(context, result)
  } catch (error) {
    const known = isHoldfastError(error) ? error.withDetails({ restoreId: context.id }) : error
    await keepDiagnostics(context, selections, known)
    throw known
  } finally {
    await Promise.allSettled(targets.map((target) => target.close()))
  }
}

async function restore(stores: readonly OpenStore[], context: RestoreContext): Promise<Merged> {
  const { dryRun, problems } = context
  await skipUnchanged(stores, context)
  await validateStores(stores, context)
  await stageStores(stores, context)
  if (!dryRun) problems.refuse()
  const compared = await compareStores(stores, context)
  if (dryRun) return { entities: [...compared.values()].flatMap(({ entities }) => entities), silenced: [], warnings: [] }
  refuseConflicts(compared, context)
  problems.refuse()
  return mergeStores(stores, compared, context)
}
