import type { MovedRanges } from '../contracts/restore-target.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import type { OpenStore } from './open-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import { loadOthers } from './skip-unchanged.ts'
import { stageStores } from './stage-stores.ts'

/** How often ranges that changed after all are loaded while the others stay left out. A table that still moves is then loaded whole, and compared under the locks as ever. */
const ROUNDS = 3

/**
 * Does what relies on the ranges that were left out. When the target says that some of them changed meanwhile, nothing was written: these are proved and loaded, and the
 * work is done again.
 */
export async function withMovedLoaded<T>(store: OpenStore, phase: 'comparing' | 'merging', context: RestoreContext, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await work()
    } catch (error) {
      const moved = isHoldfastError(error, 'E_RESTORE_MOVED') ? (error.details.moved as readonly MovedRanges[] | undefined) : undefined
      if (!moved) throw error
      context.logger.info(
        { restoreId: context.id, store: store.selection.store.name, round },
        'rows changed since they were found identical; they are loaded now',
      )
      const starts = new Map(moved.map(({ entity, ranges }) => [entity, new Set(ranges.map(({ from }) => from))]))
      const before = store.items
      await loadOthers(store, (item) => (round < ROUNDS ? item.left.filter(({ seen }) => !starts.get(item.entity)?.has(seen.range.from)) : []), context)
      const again = { ...store, items: store.items.filter((item, at) => item.lines.rows !== before[at]!.lines.rows) }
      await stageStores([again], context)
      if (!context.dryRun) context.problems.refuse()
      context.meters.begin(phase)
    }
  }
}
