/**
 * Exponentially weighted rate of a growing total. Amount and time decay together, so the first seconds are not biased towards zero
 * and uneven sampling does not matter.
 */
export class RateMeter {
  readonly #timeConstantMs: number
  #amount = 0
  #time = 0
  #lastTotal = 0
  #lastAt: number

  /** `timeConstantMs`: age at which a sample counts for 1/e. */
  constructor(startedAt: number, timeConstantMs = 5000) {
    this.#lastAt = startedAt
    this.#timeConstantMs = timeConstantMs
  }

  sample(total: number, at: number): void {
    const elapsed = at - this.#lastAt
    if (elapsed <= 0) return
    const decay = Math.exp(-elapsed / this.#timeConstantMs)
    this.#amount = this.#amount * decay + (total - this.#lastTotal)
    this.#time = this.#time * decay + elapsed
    this.#lastTotal = total
    this.#lastAt = at
  }

  /** 0 before the first sample. */
  get perSecond(): number {
    return this.#time === 0 ? 0 : (this.#amount / this.#time) * 1000
  }
}
