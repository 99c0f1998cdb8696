import { isEnd, type ProgressHandler, type ProgressSnapshot } from '../../src/progress/index.ts'
import { briefEnvelope, codeOf } from './error-response.ts'

/** One server-sent event, ready to be written. */
export interface SessionEvent {
  readonly id: number
  readonly text: string
}

/** What is used of a backup or restore session. */
export interface FollowedSession {
  onProgress(handler: ProgressHandler): () => void
  result(): Promise<unknown>
}

/** Events kept for clients that come back: a quarter of a minute at four a second. */
const KEPT = 64

/**
 * The events of one session, the same for all clients: `progress` at most once per interval, the latest state winning, then one `end`. Recorded from the first
 * client on, whether one is connected or not, so that a client that lost its connection gets what it missed.
 *
 * Sequence numbers begin at the clock's milliseconds and go up by one. So the events of a resumed session, which has the same id, come after those of the
 * session before it, in this process and the next.
 */
export class SessionEvents {
  readonly #session: FollowedSession
  readonly #intervalMs: number
  readonly #unsubscribe: () => void
  readonly #onStop: () => void
  readonly #waiting = new Set<() => void>()
  #events: SessionEvent[] = []
  #nextId = Date.now()
  #ended = false
  #stopped = false
  #pending: ProgressSnapshot | null = null
  #timer: NodeJS.Timeout | null = null
  #sentAt = Number.NEGATIVE_INFINITY

  /** `onStop` is called once, when nothing more will be recorded. */
  constructor(session: FollowedSession, options: { readonly intervalMs: number; readonly onStop: () => void }) {
    this.#session = session
    this.#intervalMs = options.intervalMs
    this.#onStop = options.onStop
    this.#unsubscribe = session.onProgress((progress) => this.#take(progress))
  }

  /** Recorded events after that number, oldest first. */
  since(id: number): readonly SessionEvent[] {
    return this.#events.filter((event) => event.id > id)
  }

  /** The `end` is recorded, and the client that has this event has all. */
  isOverAfter(id: number): boolean {
    return this.#ended && id >= (this.#events.at(-1)?.id ?? 0)
  }

  /** Resolves with true at the next event, with false when none came in that time. */
  moved(withinMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (moved: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', giveUp)
        resolve(moved)
      }
      const wake = () => settle(true)
      const giveUp = () => settle(false)
      const timer = setTimeout(giveUp, withinMs)
      this.#waiting.add(wake)
      signal.addEventListener('abort', giveUp, { once: true })
      if (signal.aborted) giveUp()
    })
  }

  /** Records no more. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#unsubscribe()
    this.#stopTimer()
    this.#onStop()
  }

  #take(progress: ProgressSnapshot): void {
    if (this.#stopped) return
    if (isEnd(progress.phase)) void this.#end(progress)
    else {
      this.#pending = progress
      this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, this.#sentAt + this.#intervalMs - performance.now())).unref()
    }
  }

  #flush(): void {
    this.#timer = null
    if (this.#pending === null) return
    this.#sentAt = performance.now()
    this.#record('progress', this.#pending)
    this.#pending = null
  }

  /** The last state goes into the `end` alone. */
  async #end(progress: ProgressSnapshot): Promise<void> {
    this.#stopTimer()
    const failure = await this.#session.result().then(
      () => null,
      (error: unknown) => briefEnvelope(codeOf(error)),
    )
    if (this.#stopped) return
    this.#ended = true
    this.#record('end', { state: progress.phase, error: progress.phase === 'failed' ? failure : null, progress })
    this.stop()
  }

  #record(event: 'progress' | 'end', data: unknown): void {
    const id = this.#nextId++
    this.#events = [...this.#events.slice(1 - KEPT), { id, text: `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n` }]
    for (const wake of this.#waiting) wake()
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#pending = null
  }
}
