import { createHash } from 'node:crypto'
import type { ObjectStat, PutOptions, StorageAdapter } from '../contracts/storage-adapter.ts'
import { isTransientFailure } from '../contracts/transient-failure.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { Retrier, type RetryOptions, type RetryParts } from '../kernel/retry.ts'

/** Objects of a listing that one try fetches: some page of the storage's, so that a try stays short. */
const LISTED_AT_ONCE = 200

type Body = Uint8Array | readonly Uint8Array[]

/**
 * The same storage, whose calls are made again while they fail for the moment (`E_STORAGE`, unless its details say otherwise), within a time, a number of tries and a
 * budget that all calls share. Each try has a time-out of its own, also one whose storage does not listen to its signal; an abort ends call, pause and listing at once.
 *
 * - A `put` whose answer was lost may have happened. When a later try finds the name taken, or no try succeeds, what stands there is read: equal bytes are success.
 * - A listing that fails goes on behind the last name that it gave out.
 *
 * For adapters that do not try again themselves. Those of clouds do (`retry`); their tries and these would multiply: give them `retry: { attempts: 1 }` below this.
 *
 * @throws `E_CONFIG` for an option that is unknown or no number of its kind.
 */
export function retryStorage(storage: StorageAdapter, options: RetryOptions = {}, parts: Partial<RetryParts> = {}): StorageAdapter {
  const retrier = new Retrier(options, { isTransient: isTransientFailure, ...parts })
  const once = new Retrier({ ...options, attempts: 1 }, { isTransient: isTransientFailure, ...parts })

  /** Do these bytes stand there? No, when that cannot be told. */
  async function holds(by: Retrier, key: string, body: Body, { sha256, signal }: PutOptions): Promise<boolean> {
    const pieces = body instanceof Uint8Array ? [body] : body
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
    try {
      const stat = await by.run((attempt) => storage.stat(key, { signal: attempt }), { signal })
      if (stat?.bytes !== bytes) return false
      const there = await by.run((attempt) => storage.get(key, { signal: attempt }), { signal })
      return digest([there]) === (sha256 ?? digest(pieces))
    } catch {
      throwIfAborted(signal)
      return false
    }
  }

  return {
    name: storage.name,
    capabilities: storage.capabilities,
    async put(key, body, put) {
      let tries = 0
      try {
        await retrier.run(
          (attempt) => {
            tries++
            return storage.put(key, body, { ...put, signal: attempt, transfer: false })
          },
          { signal: put.signal },
        )
      } catch (error) {
        const taken = tries > 1 && isHoldfastError(error, 'E_STORAGE_EXISTS')
        if (!taken && !isTransientFailure(error)) throw error
        if (!(await holds(taken ? retrier : once, key, body, put))) throw error
      }
    },
    get: (key, get = {}) => retrier.run((attempt) => storage.get(key, { ...get, signal: attempt }), get),
    stat: (key, stat = {}) => retrier.run((attempt) => storage.stat(key, { ...stat, signal: attempt }), stat),
    async *list(prefix, { signal } = {}) {
      let last = ''
      let listing: Listing | undefined
      try {
        for (;;) {
          const page: ObjectStat[] = []
          const ended = await retrier.run(
            async (attempt) => {
              const source = (listing ??= openListing(storage, prefix))
              const leave = (): void => {
                source.close()
                listing = undefined
              }
              attempt.addEventListener('abort', leave)
              try {
                while (page.length < LISTED_AT_ONCE) {
                  const { done, value } = await source.next()
                  throwIfAborted(attempt) // given up: the page is another try's now
                  if (done) return true
                  if (value.key <= last) continue
                  page.push(value)
                  last = value.key
                }
                return false
              } catch (error) {
                if (attempt.aborted) throw error
                leave()
                if (page.length === 0) throw error
                return false // what came is given out first
              } finally {
                attempt.removeEventListener('abort', leave)
              }
            },
            { signal },
          )
          yield* page
          if (ended) return
        }
      } finally {
        listing?.close()
      }
    },
    delete: (keys, remove = {}) => retrier.run((attempt) => storage.delete(keys, { ...remove, signal: attempt }), remove),
    ...(storage.removeFolders && {
      removeFolders: (prefix: string, remove = {}) => retrier.run((attempt) => storage.removeFolders!(prefix, { ...remove, signal: attempt }), remove),
    }),
    ...(storage.place && { place: (place = {}) => retrier.run((attempt) => storage.place!({ ...place, signal: attempt }), place) }),
    ...(storage.quota && { quota: (quota = {}) => retrier.run((attempt) => storage.quota!({ ...quota, signal: attempt }), quota) }),
    close: () => storage.close(),
  }
}

interface Listing {
  next(): Promise<IteratorResult<ObjectStat>>
  /** Also in the middle of a `next()` that never comes to an end; nobody waits for it then. */
  close(): void
}

function openListing(storage: StorageAdapter, prefix: string): Listing {
  const controller = new AbortController()
  const iterator = storage.list(prefix, { signal: controller.signal })[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    close() {
      controller.abort()
      iterator.return?.().catch(() => {})
    },
  }
}

function digest(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
