import { setTimeout as sleep } from 'node:timers/promises'
import type { EntityStore } from '../contracts/entity-store.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import type { ResolvedPlan } from '../plan/resolved-plan.ts'
import { openViews, type OpenViews, type OpenViewsOptions } from './open-views.ts'

/** How long a database that just went away is waited for: together about half a minute. */
const WAITS_MS = [250, 500, 1000, 2000, 4000, 8000, 16_000]
/** How soon a pause is heard. */
const LOOK_MS = 250

/**
 * Opens views in place of lost ones, and waits for a database that restarts. Null when the run is to be paused meanwhile.
 *
 * @throws what opening throws, at once when trying again cannot help.
 */
export async function openViewsAgain(
  plan: ResolvedPlan,
  stores: readonly EntityStore[],
  { pausing, ...options }: OpenViewsOptions & { readonly pausing: () => boolean },
): Promise<OpenViews | null> {
  for (const wait of [...WAITS_MS, null]) {
    if (pausing()) return null
    try {
      return await openViews(plan, stores, options)
    } catch (error) {
      if (wait === null || !isHoldfastError(error) || !error.retryable) throw error
    }
    for (let waited = 0; waited < wait && !pausing(); waited += LOOK_MS) {
      await sleep(LOOK_MS, undefined, { signal: options.signal }).catch(() => {})
      throwIfAborted(options.signal)
    }
  }
  return null
}
