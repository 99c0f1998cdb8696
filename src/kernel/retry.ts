import { type AbortableOptions, abortError, throwIfAborted } from './abort.ts'
import { HoldfastError } from './errors.ts'
import { assertKnownOptions } from './known-options.ts'
import { type Sleep, sleep } from './sleep.ts'

export interface RetryOptions {
  /** Tries of one call, the first included. Default 5. */
  readonly attempts?: number
  /** Longest pause before the second try in milliseconds; it doubles with every further one, and chance takes any part of it away, so that many who failed
   * together do not come back together. Default 200. */
  readonly firstDelayMs?: number
  /** Longest pause in milliseconds. Default 20 000. */
  readonly longestDelayMs?: number
  /** A try without an answer is given up after so many milliseconds. Default 120 000. */
  readonly attemptTimeoutMs?: number
  /** No try begins later than this after the first of its call, in milliseconds. Default 300 000. */
  readonly totalMs?: number
  /**
   * Further tries that all calls together have in hand. Each takes one, each call that succeeds gives a tenth back. With none left failures are reported
   * at once, so that a storage in trouble is not made busier. Default 100.
   */
  readonly budget?: number
}

export interface RetryParts {
  /** May the call be tried again after this? */
  readonly isTransient: (error: unknown) => boolean
  readonly sleep?: Sleep
  /** Monotonic milliseconds. */
  readonly now?: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

const DEFAULTS: Required<RetryOptions> = {
  attempts: 5,
  firstDelayMs: 200,
  longestDelayMs: 20_000,
  attemptTimeoutMs: 120_000,
  totalMs: 300_000,
  budget: 100,
}
/** Tries in hand are counted in tenths. */
const COST = 10
const REFUND = 1

/** Tries calls again that fail for the moment. One for all calls to one place: they share the budget. */
export class Retrier {
  readonly #options: Required<RetryOptions>
  readonly #parts: Required<RetryParts>
  #left: number

  /** @throws `E_CONFIG` for an option that is unknown or no number of its kind. */
  constructor(options: RetryOptions, parts: RetryParts) {
    assertKnownOptions(options, Object.keys(DEFAULTS), 'retry')
    this.#options = { ...DEFAULTS, ...definedOf(options) }
    for (const [name, value] of Object.entries(this.#options))
      if (!Number.isFinite(value) || value < (name === 'attempts' || name === 'attemptTimeoutMs' ? 1 : 0))
        throw new HoldfastError(
          'E_CONFIG',
          `retry.${name} is ${value}; a number of at least ${name === 'attempts' || name === 'attemptTimeoutMs' ? 1 : 0} is expected`,
        )
    this.#parts = { sleep, now: () => performance.now(), random: Math.random, ...parts }
    this.#left = this.#options.budget * COST
  }

  /** What `work` comes to, of the first try that succeeds. Aborting ends it, also between two tries. The signal that `work` is given is the try's own. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, { signal }: AbortableOptions = {}): Promise<T> {
    const started = this.#parts.now()
    for (let attempt = 1; ; attempt++) {
      throwIfAborted(signal)
      try {
        const result = await this.#attempt(work, signal)
        this.#left = Math.min(this.#left + REFUND, this.#options.budget * COST)
        return result
      } catch (error) {
        if (signal?.aborted) throw abortError(signal)
        const pause = this.#pause(attempt, error)
        const late = this.#parts.now() - started + pause > this.#options.totalMs
        if (attempt >= this.#options.attempts || late || this.#left < COST || !this.#parts.isTransient(error)) throw withAttempts(error, attempt)
        this.#left -= COST
        await this.#parts.sleep(pause, signal ? [signal] : [])
      }
    }
  }

  /** A try that does not answer is left behind when its time is over, even when it does not listen to its signal. */
  async #attempt<T>(work: (signal: AbortSignal) => Promise<T>, outer: AbortSignal | undefined): Promise<T> {
    const { attemptTimeoutMs } = this.#options
    const controller = new AbortController()
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const end = (error: HoldfastError): void => {
      reject(error)
      controller.abort(error)
    }
    const onOuter = (): void => end(abortError(outer!))
    const timer = setTimeout(
      () => end(new HoldfastError('E_STORAGE', `no answer within ${attemptTimeoutMs} ms`, { details: { timeoutMs: attemptTimeoutMs } })),
      attemptTimeoutMs,
    )
    outer?.addEventListener('abort', onOuter, { once: true })
    ended.catch(() => {})
    try {
      return await Promise.race([work(controller.signal), ended])
    } finally {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onOuter)
    }
  }

  #pause(attempt: number, error: unknown): number {
    const { firstDelayMs, longestDelayMs } = this.#options
    const asked = error instanceof HoldfastError && typeof error.details.retryAfterMs === 'number' ? error.details.retryAfterMs : 0
    const backoff = Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs)
    return Math.max(asked, backoff * (1 - this.#parts.random()))
  }
}

function definedOf(options: RetryOptions): RetryOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function withAttempts(error: unknown, attempts: number): unknown {
  return attempts > 1 && error instanceof HoldfastError ? error.withDetails({ attempts }) : error
}
