import { setTimeout as sleep } from 'node:timers/promises'
import { abortError, type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'
import { isBusy } from './database-error.ts'

/** How long to wait for other connections before giving up. */
export const BUSY_TIMEOUT_MS = 5000

/**
 * Does `action` as soon as nobody is in the way: again and again while SQLite says BUSY, without blocking the event loop in between (the
 * connection that is in the way may well be one of this process, which could then never let go). Throws the last BUSY error at the end.
 */
export async function whenFree<T>(
  action: () => T,
  { signal, timeoutMs = BUSY_TIMEOUT_MS }: AbortableOptions & { readonly timeoutMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (let wait = 2; ; wait = Math.min(wait * 2, 50)) {
    throwIfAborted(signal)
    try {
      return action()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
    await sleep(wait, undefined, { signal }).catch(() => {
      if (signal) throw abortError(signal)
    })
  }
}
