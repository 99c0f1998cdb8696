const NEWLINE = 0x0a

/** Some of the rows of a range, by their number from 0. A bit each. */
export class RowSet {
  readonly #bits: Uint8Array
  #size = 0

  constructor(rows: number) {
    this.#bits = new Uint8Array((rows + 7) >> 3)
  }

  get size(): number {
    return this.#size
  }

  add(row: number): void {
    if (this.has(row)) return
    this.#bits[row >> 3]! |= 1 << (row & 7)
    this.#size++
  }

  has(row: number): boolean {
    return (this.#bits[row >> 3]! & (1 << (row & 7))) !== 0
  }

  /** The number, from 0, of the `n`th of them, from 1. */
  nth(n: number): number {
    let left = n
    for (let row = 0; row < this.#bits.byteLength * 8; row++) if (this.has(row) && --left === 0) return row
    throw new RangeError(`there is no row ${n} of ${this.#size}`)
  }
}

/** Of the lines of a range, those of the rows. All pieces are read, so that the proof which comes with the last is not missed. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>, rows: RowSet): AsyncGenerator<Uint8Array, void, undefined> {
  let row = 0
  for await (const piece of pieces) {
    const chosen: Uint8Array[] = []
    /** Where the lines began that follow one another. */
    let from = -1
    for (let start = 0; start < piece.byteLength;) {
      const end = piece.indexOf(NEWLINE, start) + 1
      const has = rows.has(row++)
      if (has && from < 0) from = start
      if (!has && from >= 0) {
        chosen.push(piece.subarray(from, start))
        from = -1
      }
      start = end
    }
    if (from >= 0) chosen.push(piece.subarray(from))
    if (chosen.length > 0) yield chosen.length === 1 ? chosen[0]! : Buffer.concat(chosen)
  }
}
