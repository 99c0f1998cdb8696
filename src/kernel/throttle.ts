import { type Sleep, sleep } from './sleep.ts'

export interface ThrottleOptions {
  readonly perSecond: number
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: () => number
  readonly sleep?: Sleep
}

/** What was not used is kept for this long: a reader that was slow for a moment may catch up on that moment, and no more. */
const CREDIT_MS = 1000

/**
 * A token bucket that is paid afterwards: how much a read brings is known when it is there. What is spent beyond the bucket is a debt, and everybody waits until
 * it is paid off. So over any `t` seconds at most `(t + 1) × perSecond` is spent, and what was under way. The bucket is empty at first.
 */
export class Throttle {
  readonly #perMs: number
  readonly #now: () => number
  readonly #sleep: Sleep
  #tokens = 0
  #filledAt: number

  constructor(options: ThrottleOptions) {
    this.#perMs = options.perSecond / 1000
    this.#now = options.now ?? (() => performance.now())
    this.#sleep = options.sleep ?? sleep
    this.#filledAt = this.#now()
  }

  spend(amount: number): void {
    this.#fill()
    this.#tokens -= amount
  }

  /** Until nothing is owed, or one of the signals aborts. */
  async ready(signals: readonly AbortSignal[]): Promise<void> {
    while (!signals.some(({ aborted }) => aborted)) {
      this.#fill()
      if (this.#tokens >= 0) return
      // Whole milliseconds, as timers have them: a wait never ends a rounding error too early.
      await this.#sleep(Math.ceil(-this.#tokens / this.#perMs), signals)
    }
  }

  #fill(): void {
    const now = this.#now()
    this.#tokens = Math.min(this.#tokens + (now - this.#filledAt) * this.#perMs, CREDIT_MS * this.#perMs)
    this.#filledAt = now
  }
}
