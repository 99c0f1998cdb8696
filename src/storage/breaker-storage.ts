import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { isTransientFailure } from '../contracts/transient-failure.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { aroundStorage } from './around-storage.ts'

export interface BreakerOptions {
  /** Failures in a row after which the storage is left alone. Default 5. */
  readonly failures?: number
  /** For how long, in milliseconds; then one call is let through as a trial. Default 30 000. */
  readonly restMs?: number
}

/** `closed`: calls go through. `open`: they are refused. `half-open`: one is under way as a trial, the others are refused. */
export type BreakerState = 'closed' | 'open' | 'half-open'

export interface BreakerStorage extends StorageAdapter {
  readonly state: BreakerState
}

/**
 * The same storage, which is left alone for a while when it keeps failing: calls are refused at once with `E_STORAGE_RESTING` (retryable; `details.restMs` says how long
 * still), instead of each waiting for its own time-out. After the rest one call is let through: when it succeeds all are again, when it fails the rest begins anew. Only
 * failures that are the storage's own count (`E_STORAGE`, unless its details say that the request is at fault); any answer, also "taken" and "not there", is one of a
 * storage in health. Put it outside of `retryStorage`, so that it counts what all tries came to.
 *
 * @throws `E_CONFIG` for an option that is unknown or no number of its kind.
 */
export function breakerStorage(storage: StorageAdapter, options: BreakerOptions = {}, now: () => number = () => performance.now()): BreakerStorage {
  assertKnownOptions(options, ['failures', 'restMs'], 'breakerStorage')
  const { failures = 5, restMs = 30_000 } = options
  if (!Number.isInteger(failures) || failures < 1)
    throw new HoldfastError('E_CONFIG', `breakerStorage: \`failures\` is ${failures}; a whole number of at least 1 is expected`)
  if (!Number.isFinite(restMs) || restMs < 1) throw new HoldfastError('E_CONFIG', `breakerStorage: \`restMs\` is ${restMs}; a number of at least 1 is expected`)
  let inARow = 0
  let openedAt: number | null = null
  let trial = false

  /** True when the call is the trial. */
  function admit(): boolean {
    if (openedAt === null) return false
    const left = openedAt + restMs - now()
    if (left > 0 || trial)
      throw new HoldfastError('E_STORAGE_RESTING', `${storage.name} failed ${inARow} times in a row and is left alone`, {
        details: { storage: storage.name, failures: inARow, restMs: Math.max(0, Math.ceil(left)) },
      })
    trial = true
    return true
  }

  function succeeded(): void {
    inARow = 0
    openedAt = null
  }

  function failed(error: unknown): void {
    if (error instanceof HoldfastError && (error.code === 'E_ABORTED' || error.code === 'E_STORAGE_RESTING')) return // says nothing of this storage
    if (!isTransientFailure(error)) return succeeded()
    inARow++
    if (openedAt !== null || inARow >= failures) openedAt = now()
  }

  const inner = aroundStorage(storage, {
    async call(_, work) {
      const tried = admit()
      try {
        const result = await work()
        succeeded()
        return result
      } catch (error) {
        failed(error)
        throw error
      } finally {
        if (tried) trial = false
      }
    },
    async *list(listing) {
      const tried = admit()
      try {
        for await (const stat of listing()) {
          succeeded()
          yield stat
        }
        succeeded()
      } catch (error) {
        failed(error)
        throw error
      } finally {
        if (tried) trial = false
      }
    },
  })
  return {
    ...inner,
    get state() {
      if (openedAt === null) return 'closed'
      return trial ? 'half-open' : 'open'
    },
  }
}
