import { HoldfastError, isHoldfastError } from './errors.ts'

/** Every public async method takes these as its last argument. */
export interface AbortableOptions {
  /** Aborting rejects the call with `E_ABORTED`; what was begun is undone or left invisible. */
  readonly signal?: AbortSignal | undefined
}

/** The typed form of an aborted signal: its own reason when that is a HoldfastError, else `E_ABORTED` with the reason as cause. */
export function abortError(signal: AbortSignal): HoldfastError {
  if (isHoldfastError(signal.reason)) return signal.reason
  return new HoldfastError('E_ABORTED', 'the operation was aborted', { cause: signal.reason })
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** Runs `onAbort` once if the signal aborts; the returned function stops listening. Calls it at once when already aborted. */
export function onAbort(signal: AbortSignal | undefined, listener: (error: HoldfastError) => void): () => void {
  if (!signal) return () => {}
  if (signal.aborted) {
    listener(abortError(signal))
    return () => {}
  }
  const handle = () => listener(abortError(signal))
  signal.addEventListener('abort', handle, { once: true })
  return () => signal.removeEventListener('abort', handle)
}

/** What `work` comes to, or the abort, whichever is first. The work itself is not ended by it. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => (stop = onAbort(signal, reject)))
  // Whoever loses the race must not become an unhandled rejection.
  work.catch(() => {})
  return Promise.race([work, aborted]).finally(() => stop())
}
