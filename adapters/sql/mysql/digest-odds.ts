/** So many digests in a row must have come out changed before any is left out. */
const CHANGED_IN_A_ROW = 3
/** Ranges left to be read after one more such digest: twice as many as the time before, and at most these. */
const MOST_LEFT_OUT = 8

/**
 * Whether a digest is worth its price. A range that has changed is read after all, and comparing what was read costs less than its digest did. So where rows have changed all
 * over a table, most ranges are read at once; a digest now and then tells when that is over.
 */
export class DigestOdds {
  #changed = 0
  #leaves = 1
  #left = 0

  /** To be asked before each range. */
  worthIt(): boolean {
    if (this.#left === 0) return true
    this.#left--
    return false
  }

  came(changed: boolean): void {
    if (!changed) {
      this.#changed = 0
      this.#leaves = 1
    } else if (++this.#changed >= CHANGED_IN_A_ROW) {
      this.#left = this.#leaves
      this.#leaves = Math.min(this.#leaves * 2, MOST_LEFT_OUT)
    }
  }
}
