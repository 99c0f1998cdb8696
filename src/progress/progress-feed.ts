import { LatestReader } from './latest-reader.ts'
import type { ProgressSnapshot } from './progress-snapshot.ts'

export type ProgressHandler = (progress: ProgressSnapshot) => void

export interface ProgressFeedOptions {
  /** Taken only when somebody listens, at most once per interval. */
  readonly read: () => ProgressSnapshot
  /** A handler that throws is not the run's problem; what it threw comes here. */
  readonly onHandlerError: (error: unknown) => void
  /** Least time between two snapshots. Default 100 ms. */
  readonly intervalMs?: number
}

/** How long a standing run stays silent: times and rates move on even when nothing else does. */
const IDLE_MS = 1000

/**
 * Hands progress out to any number of handlers and async iterators, at most ten times a second. A slow iterator misses the
 * snapshots in between and gets the latest: nothing is queued. Everything ends with the last snapshot.
 */
export class ProgressFeed {
  readonly #options: ProgressFeedOptions
  readonly #intervalMs: number
  readonly #listeners = new Set<Listener>()
  #lastAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null
  #due = Number.POSITIVE_INFINITY
  #last: ProgressSnapshot | null = null

  constructor(options: ProgressFeedOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs ?? 100
  }

  /** Something moved. Cheap; call it as often as you like. */
  touch(): void {
    if (this.#listeners.size > 0 && this.#last === null) this.#schedule(this.#intervalMs)
  }

  /** The run is over: listeners get the last snapshot at once, and no more. */
  end(): void {
    if (this.#last !== null) return
    this.#stopTimer()
    this.#last = this.#options.read()
    this.#emit(this.#last)
    for (const listener of this.#listeners) listener.end()
    this.#listeners.clear()
  }

  /** Called soon with the present state, then with every change. The returned function stops it. */
  subscribe(handler: ProgressHandler): () => void {
    const listener: Listener = { next: handler, end: () => {} }
    this.#listen(listener)
    return () => this.#forget(listener)
  }

  /** Starts with the present state; ends after the last snapshot. Leaving the loop early unsubscribes. */
  iterate(): AsyncIterableIterator<ProgressSnapshot> {
    const reader = new LatestReader<ProgressSnapshot>(() => this.#forget(listener))
    const listener: Listener = { next: (snapshot) => reader.offer(snapshot), end: () => reader.end() }
    this.#listen(listener)
    return reader
  }

  #listen(listener: Listener): void {
    if (this.#last !== null) {
      this.#tell(listener, this.#last)
      listener.end()
      return
    }
    this.#listeners.add(listener)
    this.#schedule(0)
  }

  #forget(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.#stopTimer()
  }

  #schedule(delayMs: number): void {
    const now = performance.now()
    const due = Math.max(now + delayMs, this.#lastAt + this.#intervalMs)
    if (due >= this.#due) return
    this.#stopTimer()
    this.#due = due
    this.#timer = setTimeout(() => this.#fire(), due - now)
    this.#timer.unref()
  }

  #fire(): void {
    this.#timer = null
    this.#due = Number.POSITIVE_INFINITY
    this.#emit(this.#options.read())
    if (this.#listeners.size > 0) this.#schedule(IDLE_MS)
  }

  #emit(snapshot: ProgressSnapshot): void {
    this.#lastAt = performance.now()
    for (const listener of this.#listeners) this.#tell(listener, snapshot)
  }

  #tell(listener: Listener, snapshot: ProgressSnapshot): void {
    try {
      listener.next(snapshot)
    } catch (error) {
      this.#options.onHandlerError(error)
    }
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#due = Number.POSITIVE_INFINITY
  }
}

interface Listener {
  readonly next: ProgressHandler
  readonly end: () => void
}
