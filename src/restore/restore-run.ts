import type { RestoreTarget } from '../contracts/restore-target.ts'
import { type ErasedRows, erasedOfSnapshot } from '../erasure/index.ts'
import { type HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertSelectionWarm } from './assert-warm.ts'
import { buildResult } from './build-result.ts'
import { comparesInMerge, compareStores } from './compare-stores.ts'
import { refuseConflicts } from './conflicts.ts'
import { refuseNothingLeft } from './go-on-without.ts'
import { type Merged, mergeStores } from './merge-stores.ts'
import { type OpenStore, openTargets, prepareStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { keepDiagnostics, keepResult } from './restore-records.ts'
import { type RestoreHooks, restoreHooks } from './restore-hooks.ts'
import type { RestoreResult } from './restore-result.ts'
import type { StoreSelection } from './select-entities.ts'
import { skipUnchanged } from './skip-unchanged.ts'
import { stageStores } from './stage-stores.ts'
import { stagingKey } from './staging-key.ts'
import { validateStores } from './validate-ranges.ts'

/** open → look → validate → stage → compare → merge (DESIGN "Restore"). Nothing outside the staging areas changes before the merge. */
export async function runRestore(selections: readonly StoreSelection[], context: RestoreContext): Promise<RestoreResult> {
  const { id, dryRun, manifest, tenant, applies = null, by, signal } = context
  if (!context.hooks || dryRun) return restoreAll(selections, context, null)
  const run = { planId: manifest.plan.id, scope: tenant, snapshotId: manifest.snapshotId, restoreId: id, applies, undoes: null, by }
  const hooks = restoreHooks(context.hooks, run, signal)
  try {
    await hooks.before()
    return await restoreAll(selections, context, hooks)
  } catch (error) {
    const known = isHoldfastError(error) ? error.withDetails({ restoreId: id }) : error
    await hooks.failed(known)
    throw known
  }
}

async function restoreAll(selections: readonly StoreSelection[], asked: RestoreContext, hooks: RestoreHooks | null): Promise<RestoreResult> {
  const startedAt = asked.clock.now()
  const targets: RestoreTarget[] = []
  let opened: readonly OpenStore[] = []
  let context = asked
  try {
    await assertSelectionWarm(selections, asked)
    // The storage and the databases are waited for side by side, and both to their end: what was opened is to be closed.
    const [erased, openedAll] = await Promise.allSettled([erasedIn(asked), openTargets(selections, asked, (target) => targets.push(target), stagingKey(asked))])
    if (erased.status === 'rejected') throw erased.reason
    context = { ...asked, erased: erased.value }
    if (openedAll.status === 'rejected') throw openedAll.reason
    const stores: OpenStore[] = []
    for (const [at, selection] of selections.entries()) stores.push(await prepareStore(selection, targets[at]!, context))
    opened = stores
    const built = buildResult(context, startedAt, await restore(stores, context))
    const result = (await hooks?.done(built)) ?? built
    // Of the databases nothing is wanted any more: they are let go while the result is stored.
    const [kept] = await Promise.all([keepResult(context, stores, result), closeAll(targets)])
    await context.finish?.(kept, { signal: context.signal })
    return kept
  } catch (error) {
    const known = isHoldfastError(error) ? explained(error, context).withDetails({ restoreId: context.id }) : error
    await keepDiagnostics(context, opened, selections, known)
    throw known
  } finally {
    await closeAll(targets)
  }
}

/** What is closed already stays so. What cannot be closed does not keep a restore from its result. */
async function closeAll(targets: readonly RestoreTarget[]): Promise<void> {
  await Promise.allSettled(targets.map((target) => target.close()))
}

/** Rows that go to another tenant most often meet the ones that they were read from. */
function explained(error: HoldfastError, { manifest, tenant }: RestoreContext): HoldfastError {
  if (error.code !== 'E_SCOPE_ROWS' || tenant === (manifest.tenant ?? null)) return error
  return error.withHint(
    'Keys stay as they are when rows go to another tenant: restore where nobody has them, in another store (`into`), or when the rows that have them are gone.',
  )
}

/** What the ledger of the repository, and references, leave out of the snapshot. */
async function erasedIn({ manifest, whole = manifest, repository, bucket, signal }: RestoreContext): Promise<ErasedRows> {
  return erasedOfSnapshot({ manifest: whole, erasures: repository.erasures, chunks: async (name) => (await bucket(name)).chunks }, { signal })
}

async function restore(stores: readonly OpenStore[], context: RestoreContext): Promise<Merged> {
  const { dryRun, problems, continueOnError } = context
  await skipUnchanged(stores, context)
  await validateStores(stores, context)
  await stageStores(stores, context)
  if (!dryRun && continueOnError === 0) problems.refuse()
  const compared = comparesInMerge(stores, context) ? new Map() : await compareStores(stores, context)
  if (dryRun) return { entities: [...compared.values()].flatMap(({ entities }) => entities), silenced: [], warnings: [] }
  refuseConflicts(compared, context)
  if (continueOnError === 0) problems.refuse()
  else refuseNothingLeft(stores, context)
  return mergeStores(stores, compared, context)
}
