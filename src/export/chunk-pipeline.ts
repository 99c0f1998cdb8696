/**
 * Stores the chunks of one range side by side, a few at once, and reports them in the order they were added. Bounds what a reader can have
 * in memory: `add` waits while too many are under way.
 */
export class ChunkPipeline<T> {
  readonly #limit: number
  readonly #done: (stored: T) => void
  readonly #fail: (error: unknown) => void
  #underWay = 0
  #room: (() => void) | null = null
  #reported: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | null = null

  /** `done` is called in order, never after a failure; `fail` at once, and only for the first. */
  constructor(limit: number, done: (stored: T) => void, fail: (error: unknown) => void) {
    this.#limit = limit
    this.#done = done
    this.#fail = fail
  }

  /** Starts `work` and resolves when there is room for another. Rejects once anything failed. */
  async add(work: () => Promise<T>): Promise<void> {
    this.#assertSound()
    this.#underWay++
    const stored = work().finally(() => {
      this.#underWay--
      this.#room?.()
    })
    this.#reported = this.#report(stored, this.#reported)
    while (this.#underWay >= this.#limit && !this.#failure) await this.#change()
    this.#assertSound()
  }

  /** Resolves when everything added is stored and reported; waits for what is under way also after a failure, then rejects with it. */
  async drain(): Promise<void> {
    while (this.#underWay > 0) await this.#change()
    await this.#reported
    this.#assertSound()
  }

  #assertSound(): void {
    if (this.#failure) throw this.#failure.error
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#room = resolve))
  }
  async #report(stored: Promise<T>, before: Promise<void>): Promise<void> {
    try {
      const value = await stored
      await before
      if (!this.#failure) this.#done(value)
    } catch (error) {
      if (this.#failure) return
      this.#failure = { error }
      this.#fail(error)
      this.#room?.()
    }
  }
}
