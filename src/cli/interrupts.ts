import { HoldfastError } from '../kernel/errors.ts'
import type { Surroundings } from './surroundings.ts'

export const INTERRUPTED = 130

/** What an interrupt does now. The first one ends in good order, the next one at once. */
export interface Interrupts {
  /** Aborted by the first interrupt, unless a handler has taken its place. */
  readonly signal: AbortSignal
  /** From now on the first interrupt calls `first`, and the next one calls `last` before the process ends. */
  handle(first: () => void, last?: () => void): void
  close(): void
}

export function listenForInterrupts({ onInterrupt, quit }: Surroundings): Interrupts {
  const controller = new AbortController()
  let count = 0
  let first = () => controller.abort(new HoldfastError('E_ABORTED', 'it was interrupted'))
  let last = () => {}
  const close = onInterrupt(() => {
    if (++count === 1) return first()
    last()
    quit(INTERRUPTED)
  })
  return {
    signal: controller.signal,
    handle(onFirst, onLast = () => {}) {
      first = onFirst
      last = onLast
    },
    close,
  }
}
