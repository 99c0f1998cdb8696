import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { aroundStorage } from './around-storage.ts'

export type MeteredOperation = 'put' | 'get' | 'stat' | 'list' | 'delete' | 'place' | 'quota'

export interface OperationReading {
  readonly requests: number
  /** Requests that failed, for whatever reason: also a name that was taken, and an abort. */
  readonly errors: number
  /** Bytes of bodies: of acknowledged puts, or of answers to gets. */
  readonly bytes: number
  /** Milliseconds of all requests together; of a listing, also what its reader did between two objects. */
  readonly totalMs: number
  readonly longestMs: number
}

export type StorageReadings = Readonly<Record<MeteredOperation, OperationReading>>

export interface MeteredStorage extends StorageAdapter {
  /** What was counted since the beginning or the last reset; a copy. */
  readings(): StorageReadings
  reset(): void
}

const OPERATIONS: readonly MeteredOperation[] = ['put', 'get', 'stat', 'list', 'delete', 'place', 'quota']

/**
 * The same storage, with a count of its calls, their bytes, failures and durations. Outside of `retryStorage` it counts what was asked for, inside every try. A listing
 * counts as one request, however many pages the storage makes of it.
 */
export function meterStorage(storage: StorageAdapter, now: () => number = () => performance.now()): MeteredStorage {
  let counts = fresh()

  function note(operation: MeteredOperation, started: number, bytes: number, failed: boolean): void {
    const count = counts[operation]
    const took = now() - started
    count.requests++
    count.errors += failed ? 1 : 0
    count.bytes += bytes
    count.totalMs += took
    count.longestMs = Math.max(count.longestMs, took)
  }

  const inner = aroundStorage(storage, {
    async call({ method, bytesUp }, work) {
      const started = now()
      try {
        const result = await work()
        note(method, started, result instanceof Uint8Array ? result.byteLength : bytesUp, false)
        return result
      } catch (error) {
        note(method, started, 0, true)
        throw error
      }
    },
    async *list(listing) {
      const started = now()
      let failed = false
      try {
        yield* listing()
      } catch (error) {
        failed = true
        throw error
      } finally {
        note('list', started, 0, failed)
      }
    },
  })
  return {
    ...inner,
    readings: () => structuredClone(counts),
    reset: () => void (counts = fresh()),
  }
}

type Counts = Record<MeteredOperation, { -readonly [K in keyof OperationReading]: OperationReading[K] }>

function fresh(): Counts {
  return Object.fromEntries(OPERATIONS.map((operation) => [operation, { requests: 0, errors: 0, bytes: 0, totalMs: 0, longestMs: 0 }])) as Counts
}
