import type { Prng } from '../../model/prng.ts'
import type { MovableClock } from '../../support/clocked-storage.ts'
import type { StorageFault, StorageScript } from '../../support/faulty-storage.ts'

/** How long a listing may lag, in milliseconds of the storage's clock. */
const LAG_MS = 1500

export interface SeededFaults {
  readonly script: StorageScript
  /** What happened, by kind. */
  readonly counts: ReadonlyMap<string, number>
}

/**
 * Every operation goes wrong with the same small chance, in one of the ways that fit it. A process dies once at most, of course. A listing lags by what was just stored, as
 * in a store that is consistent in the end; one that forgets old objects has no promise left to keep.
 */
export function seededFaults(rng: Prng, clock: MovableClock): SeededFaults {
  const share = rng.pick([0.005, 0.02, 0.06])
  const counts = new Map<string, number>()

  function fault(method: string): StorageFault | undefined {
    const error = (): StorageFault => ({ kind: 'error', when: rng.pick(['before', 'after']) })
    const crash = (): StorageFault => ({ kind: 'crash', when: rng.pick(['before', 'after']) })
    const delay = (): StorageFault => ({ kind: 'delay', ms: rng.int(1, 3) })
    const flip = (): StorageFault => ({ kind: 'flip', at: rng.int(0, 100_000) })
    const truncate = (): StorageFault => ({ kind: 'truncate', bytes: rng.int(1, 40) })
    const duplicate = (): StorageFault => ({ kind: 'duplicate' })
    const stale = (): StorageFault => ({ kind: 'stale', since: clock.now() - LAG_MS })
    const lie = (): StorageFault => ({ kind: 'lie', how: rng.pick(['absent', 'short']) })
    const fitting: Record<string, readonly (() => StorageFault)[]> = {
      put: [error, error, crash, delay, flip, truncate, duplicate, lie],
      get: [error, error, crash, delay, flip, truncate],
      stat: [error, crash, delay, stale],
      list: [error, crash, delay, duplicate, stale],
      delete: [error, crash, delay],
    }
    return rng.pick(fitting[method]!)()
  }

  return {
    counts,
    script: ({ method }) => {
      if (!rng.chance(share)) return undefined
      const chosen = fault(method)
      const what = chosen && `${method}: ${chosen.kind}`
      if (what) counts.set(what, (counts.get(what) ?? 0) + 1)
      return chosen
    },
  }
}
