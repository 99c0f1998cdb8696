import type { MergedEntity, RecordProblem } from '../contracts/restore-target.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertAccounted } from './assert-accounted.ts'
import { type ChosenItem, rangeCounts, renumbered, unchangedRows } from './chosen-item.ts'
import type { Comparison } from './compare-stores.ts'
import { withMovedLoaded } from './load-moved.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { PROBLEM_LIMIT } from './restore-request.ts'
import type { RestoredEntity } from './restore-result.ts'

/** What was committed, of all stores. */
export interface Merged {
  readonly entities: readonly RestoredEntity[]
  readonly silenced: readonly string[]
  readonly warnings: readonly string[]
}

/** Each store in a transaction of its own. @throws `E_RESTORE_PARTIAL` when one fails after another was committed, saying which. */
export async function mergeStores(stores: readonly OpenStore[], compared: Comparison, context: RestoreContext): Promise<Merged> {
  context.meters.begin('merging')
  const entities: RestoredEntity[] = []
  const silenced: string[] = []
  const warnings: string[] = []
  const committed: string[] = []
  for (const store of stores) {
    const { name } = store.selection.store
    const report = await withMovedLoaded(store, 'merging', context, () => mergeStore(store, context)).catch((error: unknown) =>
      Promise.reject(committed.length === 0 ? error : partial(name, committed, error)),
    )
    committed.push(name)
    silenced.push(...report.silenced)
    entities.push(
      ...store.items.map((item) =>
        restored(
          name,
          item,
          report.entities.find(({ entity }) => entity === item.entity)!,
          compared.get(store)?.entities,
        ),
      ),
    )
    warnings.push(...(await forget(store, context)))
  }
  return { entities, silenced, warnings }
}

async function mergeStore({ selection, target, items }: OpenStore, { manifest, meters, signal }: RestoreContext) {
  const metered = new Map(items.map((item) => [item.entity, meters.of(item.archived)]))
  for (const meter of metered.values()) meter.working()
  const saved = manifest.stores.find(({ name }) => name === selection.from)
  const report = await target
    .merge(items, {
      signal,
      problemLimit: PROBLEM_LIMIT,
      sequences: (saved?.sequences ?? []).filter(({ entity }) => metered.has(entity)),
      onProgress: (entity, rows) => metered.get(entity)?.reached(rows),
      beforeCommit: ({ entities }) => assertAccounted(items, entities),
    })
    .catch((error: unknown) => {
      const problems = isHoldfastError(error) ? (error.details.problems as readonly RecordProblem[] | undefined) : undefined
      throw isHoldfastError(error) && Array.isArray(problems) ? error.withDetails({ problems: renumbered(problems, items) }) : error
    })
  for (const { entity, created, updated, identical, kept } of report.entities) {
    const meter = metered.get(entity)
    meter?.reached(created + updated)
    meter?.left(identical + kept + unchangedRows(items.find((item) => item.entity === entity)!))
    meter?.done()
  }
  return report
}

/** The merge looks again under its locks, so its numbers are those of what happened; samples and extra rows are those of the comparison. */
function restored(store: string, item: ChosenItem, merged: MergedEntity, compared: readonly RestoredEntity[] = []): RestoredEntity {
  const { entity, created: create, updated: update, kept: keep } = merged
  const { extra = 0, samples = [] } = compared.find((each) => each.entity === entity) ?? {}
  const identical = merged.identical + unchangedRows(item)
  return { store, entity, records: item.archived.rows, create, update, identical, keep, conflict: 0, extra, ...rangeCounts(item), samples }
}

/** What the ORM remembers of the rows. It stands in nobody's way any more: the data is committed, so a failure is told, not thrown. */
async function forget({ selection: { store } }: OpenStore, { id, logger }: RestoreContext): Promise<string[]> {
  try {
    await store.afterRestore?.()
    return []
  } catch (error) {
    logger.error({ restoreId: id, store: store.name, error: String(error) }, 'the caches of the ORM could not be cleared after a restore')
    return [`store "${store.name}" is restored, but the caches of its ORM could not be cleared: ${error instanceof Error ? error.message : String(error)}`]
  }
}

function partial(name: string, committed: readonly string[], cause: unknown): HoldfastError {
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
