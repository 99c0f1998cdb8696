import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { SourcePace } from '../contracts/source-pace.ts'
import { type AbortableOptions, orAborted, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { sleep } from '../kernel/sleep.ts'
import { Throttle } from '../kernel/throttle.ts'
import type { SourceLimits } from '../plan/index.ts'

/** How long `pauseWhen` and the question for the replication lag may take. */
export const PROBE_TIMEOUT_MS = 10_000

export interface StorePaceOptions {
  readonly store: EntityStore
  readonly limits: SourceLimits
  readonly logger: Logger
  /** What is waited for; null when reading goes on. */
  readonly onWaiting: (reason: string | null) => void
}

/**
 * The pace at which one database is read: by its rates, and not at all while its probe or its replication says so. Both are asked when somebody wants to read, at
 * most once in `checkEveryMs`; nothing runs in between, and there is no timer but that of a wait.
 */
export class StorePace implements SourcePace {
  readonly #options: StorePaceOptions
  readonly #rows: Throttle | null
  readonly #bytes: Throttle | null
  readonly #asks: boolean
  #hurry = new AbortController()
  #asking: Promise<string | null> | null = null
  #answer: string | null = null
  #askedAt = Number.NEGATIVE_INFINITY
  #waitingSince: number | null = null

  constructor(options: StorePaceOptions) {
    const { maxRowsPerSecond, maxBytesPerSecond, maxReplicationLagMs, pauseWhen } = options.limits
    this.#options = options
    this.#rows = maxRowsPerSecond === null ? null : new Throttle({ perSecond: maxRowsPerSecond })
    this.#bytes = maxBytesPerSecond === null ? null : new Throttle({ perSecond: maxBytesPerSecond })
    this.#asks = maxReplicationLagMs !== null || pauseWhen !== null
  }

  spent(rows: number, bytes: number): void {
    this.#rows?.spend(rows)
    this.#bytes?.spend(bytes)
  }

  async ready({ signal }: AbortableOptions = {}): Promise<void> {
    const wakers = [this.#hurry.signal, ...(signal ? [signal] : [])]
    if (this.#asks) await this.#allowed(wakers, signal)
    await this.#rows?.ready(wakers)
    await this.#bytes?.ready(wakers)
    throwIfAborted(signal)
  }

  /** Ends every wait, and has nobody wait any more: the reader is about to stop, and must come to its next batch boundary for that. */
  hurry(): void {
    this.#hurry.abort()
  }

  /** Takes `hurry` back. */
  calm(): void {
    if (this.#hurry.signal.aborted) this.#hurry = new AbortController()
  }

  /** Whether the lag can be seen at all, told before anything is opened. @throws `E_CAPABILITY`, and what asking throws. */
  async assertLagIsSeen({ signal }: AbortableOptions): Promise<void> {
    const { store, limits } = this.#options
    if (limits.maxReplicationLagMs === null) return
    const lag = store.replicationLag ? await store.replicationLag({ signal }) : null
    if (lag !== null) return
    throw new HoldfastError(
      'E_CAPABILITY',
      `\`source.maxReplicationLagMs\`: the replication of store ${store.name} (${store.dialect}) cannot be seen from here`,
      {
        hint: 'Leave the limit off, or ask the standbys by a probe of your own: `source.pauseWhen`.',
      },
    )
  }

  async #allowed(wakers: readonly AbortSignal[], signal: AbortSignal | undefined): Promise<void> {
    const { limits, store } = this.#options
    while (!this.#hurry.signal.aborted) {
      throwIfAborted(signal)
      const reason = await orAborted(this.#ask(), signal)
      if (reason === null || this.#hurry.signal.aborted) return
      const waited = performance.now() - (this.#waitingSince ?? performance.now())
      if (waited >= limits.maxWaitMs)
        throw new HoldfastError('E_SOURCE_BUSY', `store ${store.name}: reading waited ${Math.round(waited / 1000)} s for the ${reason}`, {
          details: { store: store.name, reason },
        })
      await sleep(limits.checkEveryMs, wakers)
    }
  }

  /** All readers share a question and its answer. */
  async #ask(): Promise<string | null> {
    if (performance.now() - this.#askedAt < this.#options.limits.checkEveryMs * 0.9) return this.#answer
    this.#asking ??= this.#reason().then((reason) => {
      this.#asking = null
      this.#askedAt = performance.now()
      this.#tell(reason)
      return reason
    })
    return this.#asking
  }

  #tell(reason: string | null): void {
    const { store, logger, onWaiting } = this.#options
    if (reason === this.#answer) return
    if (reason === null) this.#waitingSince = null
    else this.#waitingSince ??= performance.now()
    this.#answer = reason
    logger.info({ store: store.name, reason }, reason === null ? 'reading goes on' : 'reading waits')
    onWaiting(reason)
  }

  async #reason(): Promise<string | null> {
    const { store, limits } = this.#options
    const { maxReplicationLagMs, pauseWhen } = limits
    if (maxReplicationLagMs !== null) {
      const lag = await this.#answerOf('replication lag', async (signal) => (await store.replicationLag?.({ signal })) ?? null)
      if (lag === null || lag > maxReplicationLagMs) return 'replication lag'
    }
    if (pauseWhen && (await this.#answerOf('source probe', async (signal) => pauseWhen({ store: store.name, signal }))) !== 'ok') return 'source probe'
    return null
  }

  /** Null when there is none in time, or an error: nobody said that the database may be read. */
  async #answerOf<T>(what: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    const ending = new AbortController()
    const timer = setTimeout(
      () => ending.abort(new HoldfastError('E_SOURCE_BUSY', `the ${what} gave no answer in ${PROBE_TIMEOUT_MS / 1000} s`)),
      PROBE_TIMEOUT_MS,
    )
    const hurry = () => ending.abort()
    this.#hurry.signal.addEventListener('abort', hurry)
    try {
      return await orAborted(ask(ending.signal), ending.signal)
    } catch (error) {
      this.#options.logger.warn({ store: this.#options.store.name, error: String(error) }, `the ${what} could not be asked, and counts as a wait`)
      return null
    } finally {
      clearTimeout(timer)
      this.#hurry.signal.removeEventListener('abort', hurry)
    }
  }
}
