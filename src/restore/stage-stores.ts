import { HoldfastError } from '../kernel/errors.ts'
import { renumbered } from './chosen-item.ts'
import { goOnWithout } from './go-on-without.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'

/** Loads the records of every store that is not loaded directly beside its live tables. Lines that a database refuses become problems. */
export async function stageStores(stores: readonly OpenStore[], context: RestoreContext): Promise<void> {
  const staged = stores.filter(({ direct }) => !direct)
  if (staged.length === 0) return
  context.meters.begin('staging')
  for (const store of staged) await stageStore(store, context)
}

async function stageStore(store: OpenStore, context: RestoreContext): Promise<void> {
  const { selection, target, items } = store
  const { id, meters, problems, signal, continueOnError, logger } = context
  const together = await target.stageTogether?.(items, { signal })
  for (const [at, item] of items.entries()) {
    const meter = meters.of(item.archived)
    meter.working()
    const report =
      together?.[at] ??
      (await target.stage(item, { signal, onProgress: (rows) => meter.reached(rows), refusable: Math.max(0, continueOnError - problems.count) }))
    if (report.takenUp)
      logger.info({ restoreId: id, entity: item.entity, records: report.takenUp }, 'records that an interrupted restore had staged were taken up')
    const whole = report.problems.length === 0
    if (continueOnError === 0) problems.note(selection.store.name, renumbered(report.problems, items), report.problems.length)
    else if (!whole) goOnWithout(store, report.problems, context, true)
    if ((whole || (continueOnError > 0 && problems.count <= continueOnError)) && report.rows + report.problems.length !== item.lines.rows) {
      throw new HoldfastError('E_ARCHIVE_CORRUPT', `"${item.entity}" staged ${report.rows} records, but the manifest says ${item.lines.rows}`)
    }
    meter.reached(report.rows)
    meter.done()
  }
}
