import type { JournalCut, JournalEntry, JournalRange, JournalType, SessionLog } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError } from '../kernel/errors.ts'

/** Ranges of one entry; a resume loses at most what was not written yet. */
const BATCH = 64
/** Longest silence of a living attempt. */
export const HEARTBEAT_MS = 5_000

export interface SessionJournalOptions {
  readonly log: SessionLog
  readonly sessionId: string
  readonly attempt: number
  /** First number to write. */
  readonly next: number
  readonly clock: Clock
  /** Of the whole attempt: aborting ends a write that hangs, and a write that fails (or loses against another process) aborts it. */
  readonly controller: AbortController
}

/**
 * Writes an attempt's journal: what is stored, in batches; a sign of life when there is nothing to say. Entries are numbered over all
 * attempts and create-only, so of two processes that believe they own the session one fails at its next entry.
 */
export class SessionJournal {
  readonly #options: SessionJournalOptions
  #next: number
  #cuts: JournalCut[] = []
  #ranges: JournalRange[] = []
  /** Entries are written one at a time. */
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #failure: { readonly error: unknown } | null = null

  constructor(options: SessionJournalOptions) {
    this.#options = options
    this.#next = options.next
  }

  /** Makes the session this attempt's: from here on every other attempt loses. `E_SESSION_FENCED` when another was faster. */
  async open(options: AbortableOptions = {}): Promise<void> {
    await this.#append('heartbeat', {}, options)
    this.#timer = setInterval(() => void this.#write(this.#ranges.length > 0 ? 'chunks' : 'heartbeat'), HEARTBEAT_MS)
    this.#timer.unref()
  }

  cut(cut: JournalCut): void {
    this.#cuts.push(cut)
  }

  /** The range's chunks are stored. Ranges of one part must come in key order. */
  record(range: JournalRange): void {
    this.#ranges.push(range)
    if (this.#ranges.length === BATCH) void this.#write('chunks')
  }

  /** Writes what is left and nothing more; gives the number that the commit must claim. Rejects when anything could not be written. */
  async finish(): Promise<number> {
    this.#stopTimer()
    if (this.#ranges.length > 0) void this.#write('chunks')
    await this.#writing
    if (this.#failure) throw this.#failure.error
    return this.#next
  }

  /**
   * The attempt's last words, with whatever was not written yet. Looks up the next number first: an entry may have been written although writing it
   * seemed to fail. `E_SESSION_FENCED` when another attempt went on meanwhile.
   */
  async end(type: Extract<JournalType, 'paused' | 'cancelled' | 'failed'>, note: string | undefined, options: AbortableOptions): Promise<void> {
    this.#stopTimer()
    await this.#writing
    const { log, sessionId, attempt } = this.#options
    const { entries, next } = await log.readJournal(sessionId, options)
    if ((entries.at(-1)?.attempt ?? 0) > attempt) throw new HoldfastError('E_SESSION_FENCED', `another process runs session ${sessionId}`)
    this.#next = next
    await this.#append(type, { ...this.#take(), ...(note === undefined ? {} : { note }) }, options)
  }

  /** Writes nothing more. For an attempt that lost the session, or needs no last words. */
  async close(): Promise<void> {
    this.#stopTimer()
    await this.#writing
  }

  #write(type: 'chunks' | 'heartbeat'): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      if (this.#failure) return
      const content = this.#take()
      try {
        await this.#append(type, content, { signal: this.#options.controller.signal })
      } catch (error) {
        // Kept for the attempt's last words: what is stored stays worth knowing.
        this.#cuts = [...(content.cuts ?? []), ...this.#cuts]
        this.#ranges = [...(content.ranges ?? []), ...this.#ranges]
        this.#failure = { error }
        this.#stopTimer()
        this.#options.controller.abort(error)
      }
    })
    return this.#writing
  }

  #take(): Pick<JournalEntry, 'cuts' | 'ranges'> {
    const content = { ...(this.#cuts.length > 0 ? { cuts: this.#cuts } : {}), ...(this.#ranges.length > 0 ? { ranges: this.#ranges } : {}) }
    this.#cuts = []
    this.#ranges = []
    return content
  }

  async #append(type: JournalType, content: Partial<JournalEntry>, options: AbortableOptions): Promise<void> {
    const { log, sessionId, attempt, clock } = this.#options
    await log.appendJournal(sessionId, { n: this.#next, attempt, type, ...content, at: new Date(clock.now()).toISOString() }, options)
    this.#next++
  }

  #stopTimer(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }
}
