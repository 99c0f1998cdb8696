import { setImmediate } from 'node:timers/promises'
import { type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'

/**
 * Work on a synchronous driver, cut into slices of a few milliseconds: each `yield` is a place where others may run and an abort is heard. A promise that is yielded is waited for,
 * where there is time to wait.
 */
export type Slices<T> = Generator<void | Promise<void>, T, void>

/** How long one turn of the event loop may be held. There is but one event loop, so all work on synchronous drivers shares its turn. */
const TURN_MS = 12
let turnEnds = 0

/** Whether others have waited long enough. */
export function isTurnOver(): boolean {
  return performance.now() >= turnEnds
}

/** Lets the event loop turn. A promise alone would not: its continuations run before timers and sockets. */
export async function nextTurn(): Promise<void> {
  await setImmediate()
  turnEnds = performance.now() + TURN_MS
}

/** Runs the slices, letting the event loop turn in between. */
export async function inTurns<T>(slices: Slices<T>, { signal }: AbortableOptions = {}): Promise<T> {
  try {
    for (;;) {
      throwIfAborted(signal)
      if (isTurnOver()) await nextTurn()
      const step = slices.next()
      if (step.done) return step.value
      if (step.value) await step.value
    }
  } finally {
    slices.return(undefined as T) // so that `finally` blocks run when an abort ended it early
  }
}

/** Runs the slices in one go. For the ORM's own connection: whatever ran in between would be inside our transaction. */
export function atOnce<T>(slices: Slices<T>): T {
  for (;;) {
    const step = slices.next()
    if (step.done) return step.value
    if (step.value) throw new RangeError('nothing can be waited for here')
  }
}

/** Grows and shrinks a batch so that one takes about `targetMs`. */
export function adaptiveSize(start: number, least: number, most: number, targetMs = 4): { readonly size: number; took(ms: number): void } {
  let size = start
  return {
    get size() {
      return size
    },
    took(ms) {
      if (ms < targetMs / 2) size = Math.min(size * 2, most)
      else if (ms > targetMs * 2) size = Math.max(size >> 1, least)
    },
  }
}
