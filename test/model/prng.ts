/** A small generator of its own (sfc32), so that a seed gives the same history on every machine and with every version of every library. */
export class Prng {
  #a = 0
  #b = 0
  #c = 0
  #d = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.imul(seed, 0x9e3779b1) | 0
    this.#c = 0x5eed | 0
    for (let turn = 0; turn < 15; turn++) this.#next()
  }

  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t
    this.#c |= 0
    return t >>> 0
  }

  /** From `least` up to `most`, both included. */
  int(least: number, most: number): number {
    return least + (this.#next() % (most - least + 1))
  }

  chance(share: number): boolean {
    return this.#next() / 2 ** 32 < share
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from')
    return items[this.int(0, items.length - 1)]!
  }

  /** So many different items, in random order; all of them when there are not more. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items]
    const chosen: T[] = []
    while (chosen.length < count && left.length > 0) chosen.push(...left.splice(this.int(0, left.length - 1), 1))
    return chosen
  }

  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let at = (this.#next() / 2 ** 32) * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, choice] of choices) {
      at -= weight
      if (at < 0) return choice
    }
    return choices.at(-1)![1]
  }

  /** One whose draws do not move this one's: for what happens a varying number of times. */
  fork(): Prng {
    return new Prng(this.int(0, 2 ** 31 - 1))
  }
}
