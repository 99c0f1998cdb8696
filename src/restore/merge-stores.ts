import type { MergedEntity, MergeOptions, MergeReport, RecordProblem } from '../contracts/restore-target.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertAccounted } from './assert-accounted.ts'
import { type ChosenItem, rangeCounts, recordsOf, renumbered, unchangedRows } from './chosen-item.ts'
import { type ComparedStore, comparedStore, type Comparison, listed } from './compare-stores.ts'
import { refuseConflicts } from './conflicts.ts'
import type { FailedRecords } from './failed-records.ts'
import { forgetRows } from './forget-rows.ts'
import { goOnWithout, refuseNothingLeft } from './go-on-without.ts'
import { withMovedLoaded } from './load-moved.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { watching } from './restore-watcher.ts'
import type { RestoredEntity } from './restore-result.ts'

/** What was committed, of all stores. */
export interface Merged {
  readonly entities: readonly RestoredEntity[]
  readonly silenced: readonly string[]
  readonly warnings: readonly string[]
}

/** Each store in a transaction of its own, in which it is compared unless it was before. @throws `E_RESTORE_PARTIAL` when one fails after another was committed, saying which. */
export async function mergeStores(stores: readonly OpenStore[], compared: Comparison, context: RestoreContext): Promise<Merged> {
  context.meters.begin('merging')
  const entities: RestoredEntity[] = []
  const silenced: string[] = []
  const warnings: string[] = []
  const committed: string[] = []
  for (const store of stores) {
    const { name } = store.selection.store
    let told = compared.get(store)
    const comparing = store.direct || told ? {} : comparingNow(store, context, (found) => (told = found))
    const report = await withMovedLoaded(store, 'merging', context, () => mergeWithoutFailed(store, stores, comparing, context)).catch((error: unknown) =>
      Promise.reject(committed.length === 0 ? error : partial(name, committed, error)),
    )
    committed.push(name)
    silenced.push(...report.silenced)
    entities.push(
      ...store.items.map((item) =>
        restored(
          name,
          item,
          withRefused(
            report.entities.find(({ entity }) => entity === item.entity)!,
            store.failed,
          ),
          told?.entities,
        ),
      ),
    )
    warnings.push(...(await forgetRows(store.selection.store, context)))
  }
  return { entities, silenced, warnings }
}

/** Refuses what speaks against the merge as it is refused before one. */
function comparingNow(store: OpenStore, context: RestoreContext, told: (compared: ComparedStore) => void): Comparing {
  return {
    samples: listed(context).samples,
    compared(report) {
      const compared = comparedStore(store, report, context, true)
      refuseConflicts(new Map([[store, compared]]), context)
      context.problems.refuse()
      told(compared)
    },
  }
}

type Comparing = Pick<MergeOptions, 'compared' | 'samples'>

/** What only shows when rows are written is left out as well, and the merge done again; not of a plan, which is applied as it was shown. */
async function mergeWithoutFailed(store: OpenStore, stores: readonly OpenStore[], comparing: Comparing, context: RestoreContext): Promise<MergeReport> {
  for (;;) {
    try {
      return await mergeStore(store, stores.length === 1, comparing, context)
    } catch (error) {
      const problems = isHoldfastError(error) ? (error.details.problems as readonly RecordProblem[] | undefined) : undefined
      if (!isHoldfastError(error) || !Array.isArray(problems)) throw error
      // The ledger's own refusal names its records as people count them.
      if (context.continueOnError === 0 && context.problems.count > 0) throw error
      const goesOn = context.continueOnError > 0 && context.applies === undefined && isHoldfastError(error, 'E_RESTORE_REJECTED')
      if (!goesOn || !goOnWithout(store, problems, context)) throw error.withDetails({ problems: renumbered(problems, store.items) })
      refuseNothingLeft(stores, context)
    }
  }
}

function withRefused(merged: MergedEntity, failed: FailedRecords): MergedEntity {
  return { ...merged, failed: merged.failed + failed.refused(merged.entity) }
}

async function mergeStore(store: OpenStore, isOnly: boolean, comparing: Comparing, context: RestoreContext) {
  const { manifest, meters, signal } = context
  const { selection, target, items, failed } = store
  const metered = new Map(items.map((item) => [item.entity, meters.of(item.archived)]))
  for (const meter of metered.values()) meter.working()
  const saved = manifest.stores.find(({ name }) => name === selection.from)
  const report = await target.merge(items, {
    signal,
    ...watching('merging', store, context),
    ...comparing,
    problemLimit: listed(context).problemLimit,
    sequences: (saved?.sequences ?? []).filter(({ entity }) => metered.has(entity)),
    onProgress: (entity, rows) => metered.get(entity)?.reached(rows),
    beforeCommit: ({ entities }) => {
      assertAccounted(items, entities, (entity) => failed.refused(entity))
      if (isOnly) refuseAllAbsent(items, entities)
    },
  })
  for (const { entity, created, updated, identical, kept, absent, failed: left } of report.entities) {
    const meter = metered.get(entity)
    meter?.reached(created + updated)
    meter?.left(identical + kept + absent + left + unchangedRows(items.find((item) => item.entity === entity)!))
    meter?.done()
  }
  return report
}

/** @throws `E_RESTORE_EMPTY` when not one of the rows that were meant is there, and none was to be created: then nothing was restored, whatever was asked for. */
function refuseAllAbsent(items: readonly ChosenItem[], merged: readonly MergedEntity[]): void {
  const absent = merged.reduce((sum, one) => sum + one.absent, 0)
  const done = merged.reduce((sum, one) => sum + one.created + one.updated + one.identical + one.kept + one.failed + one.deleted, 0)
  const unchanged = items.reduce((sum, item) => sum + unchangedRows(item), 0)
  if (absent === 0 || done + unchanged > 0) return
  throw new HoldfastError('E_RESTORE_EMPTY', `none of the ${absent} records has a live row, and none was to be created; nothing was written`, {
    hint: 'Create the rows that are missing: leave `fields` and `create: false` (`--fields`, `--no-create`) away.',
    details: { entities: items.map(({ entity }) => entity), records: absent },
  })
}

/** The merge looks again under its locks, so its numbers are those of what happened; samples and extra rows are those of the comparison. */
function restored(store: string, item: ChosenItem, merged: MergedEntity, compared: readonly RestoredEntity[] = []): RestoredEntity {
  const { entity, created: create, updated: update, kept: keep, absent, failed, deleted } = merged
  const { extra = 0, samples = [] } = compared.find((each) => each.entity === entity) ?? {}
  const identical = merged.identical + unchangedRows(item)
  return {
    store,
    entity,
    records: recordsOf(item),
    create,
    update,
    identical,
    keep,
    conflict: 0,
    absent,
    failed,
    delete: deleted,
    extra,
    ...rangeCounts(item),
    samples,
  }
}

export function partial(name: string, committed: readonly string[], cause: unknown): HoldfastError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new HoldfastError(
    'E_RESTORE_PARTIAL',
    `store "${name}" was not restored (${why}); ${committed.map((store) => `"${store}"`).join(', ')} had been committed before`,
    {
      cause,
      details: { ...(isHoldfastError(cause) ? cause.details : {}), store: name, committed: [...committed] },
    },
  )
}
