/** A chunk this long or longer was all that one read could take; there is nothing to gain by waiting. */
const FULL_CHUNK = 32 * 1024
const WARM_UP_BYTES = 512 * 1024
/** A copy shorter than this is not kept waiting. */
const SHORT_COPY_BYTES = 128 * 1024
const TRIAL_BYTES = 2 * 1024 * 1024
/** Waiting is kept when it costs no more than this much of the speed without. */
const KEPT = 0.8

/** How long to let the socket fill up. */
export const NAP_MS = 1

/**
 * Decides after each chunk whether to leave the socket alone for a millisecond.
 *
 * PostgreSQL sends 8 KiB at a time. A reader that is faster than the server is woken for each of them, which costs both sides more than the
 * data does; sleeping while a few hundred KiB gather took away half of the reader's and a fifth of the server's CPU time over TCP, and made the
 * copy faster. Where the buffer between them is small (Unix sockets) or a read gives one record at a time (TLS), the same sleep would make it
 * several times slower. So it is tried on 2 MiB, with the time that those would take at 0.8 of the speed just measured, and kept if that suffices.
 * What was learned holds for the socket; each copy on it begins without rests, for many are short.
 */
export class ReadPace {
  #phase: 'warming' | 'direct' | 'trial' | 'gather' | 'never' = 'warming'
  #bytes = 0
  #copyBytes = 0
  #since = 0
  #budgetMs = 0
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A copy begins on this socket. */
  begin(): void {
    this.#copyBytes = 0
    this.disturbed()
  }

  /** A chunk came; should reading rest? */
  rests(chunkBytes: number): boolean {
    this.#copyBytes += chunkBytes
    if (this.#phase !== 'gather' && this.#phase !== 'never') this.#learn(chunkBytes)
    return (this.#phase === 'gather' || this.#phase === 'trial') && chunkBytes < FULL_CHUNK && this.#copyBytes >= SHORT_COPY_BYTES
  }

  /** The reader paused for a reason of its own, so the time measured says nothing. */
  disturbed(): void {
    if (this.#phase === 'direct' || this.#phase === 'trial') this.#enter(this.#phase)
  }

  #learn(chunkBytes: number): void {
    this.#bytes += chunkBytes
    if (this.#phase === 'warming') {
      if (this.#bytes >= WARM_UP_BYTES) this.#enter('direct')
    } else if (this.#phase === 'direct') {
      if (this.#bytes < TRIAL_BYTES) return
      this.#budgetMs = (this.#now() - this.#since) / KEPT
      this.#enter('trial')
    } else if (this.#bytes >= TRIAL_BYTES) this.#phase = 'gather'
    else if (this.#now() - this.#since > this.#budgetMs) this.#phase = 'never'
  }

  #enter(phase: 'direct' | 'trial'): void {
    this.#phase = phase
    this.#bytes = 0
    this.#since = this.#now()
  }
}
