/** An async iterator over values that come faster than they may be taken: only the latest waits to be read, and nothing is queued. */
export class LatestReader<T> implements AsyncIterableIterator<T> {
  readonly #onLeave: () => void
  #latest: { readonly value: T } | null = null
  #ended = false
  #wake: (() => void) | null = null
  /** Calls of `next` without waiting for the one before are answered in turn. */
  #turn: Promise<unknown> = Promise.resolve()

  /** `onLeave`: the reader left before the end. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave
  }

  offer(value: T): void {
    this.#latest = { value }
    this.#wake?.()
  }

  /** What waits is still given out. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const answer = this.#answer(this.#turn)
    this.#turn = answer
    return answer
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#onLeave()
    this.#latest = null
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #answer(before: Promise<unknown>): Promise<IteratorResult<T, undefined>> {
    await before
    while (!this.#latest && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    const latest = this.#latest
    this.#latest = null
    return latest ? { done: false, value: latest.value } : { done: true, value: undefined }
  }
}
