import type { KeyRange, KeyText } from '../contracts/key-range.ts'

/** A part of the key space and what is known of it; null when nothing is. */
export interface Piece<K> {
  readonly range: KeyRange
  readonly known: K | null
}

interface Node<K> {
  readonly from: KeyText | null
  to: KeyText | null
  known: K | null
  next: Node<K> | null
}

/**
 * All keys of one entity, as pieces in key order without gap or overlap: the working picture of a run, filled in as chunks are
 * read and confirmed. Only the database can order keys, so nothing here compares them: a range must begin where a piece begins
 * and end in it or with it, and the order of pieces follows from how they were cut.
 */
export class KeyImage<K> {
  readonly #first: Node<K> = { from: null, to: null, known: null, next: null }
  #last = this.#first
  readonly #byStart = new Map<KeyText | null, Node<K>>([[null, this.#first]])

  /** From known ranges in key order; what lies between them is unknown. */
  static of<K extends { readonly range: KeyRange }>(known: Iterable<K>): KeyImage<K> {
    const image = new KeyImage<K>()
    for (const entry of known) {
      image.#open(entry.range.from)
      image.know(entry.range, entry)
    }
    return image
  }

  /**
   * Cuts the piece that begins at `range.from` at `range.to`, so that the range becomes a piece of its own. Known or not, what is cut is unknown. False when the
   * range was a piece already. RangeError when it does not lie at the beginning of a piece.
   */
  cut(range: KeyRange): boolean {
    const node = this.#byStart.get(range.from)
    if (!node) throw new RangeError(`no piece begins at ${range.from}`)
    if (node.to === range.to) return false
    if (range.to === null || this.#byStart.has(range.to)) throw new RangeError(`the range ${range.from}..${range.to} goes beyond its piece`)
    const rest: Node<K> = { from: range.to, to: node.to, known: null, next: node.next }
    this.#byStart.set(range.to, rest)
    node.to = range.to
    node.next = rest
    node.known = null
    if (rest.next === null) this.#last = rest
    return true
  }

  /** What is known of the range from now on. The rest of the piece it begins, if it does not fill it, is unknown. */
  know(range: KeyRange, known: K): void {
    this.cut(range)
    this.#byStart.get(range.from)!.known = known
  }

  /** Forgets every entry that does not pass. */
  retain(passes: (known: K) => boolean): void {
    for (let node: Node<K> | null = this.#first; node; node = node.next) {
      if (node.known !== null && !passes(node.known)) node.known = null
    }
  }

  *pieces(): Generator<Piece<K>> {
    for (let node: Node<K> | null = this.#first; node; node = node.next) {
      yield { range: { from: node.from, to: node.to }, known: node.known }
    }
  }

  /** Makes a piece begin at `from`, which lies in the last piece unless one begins there. */
  #open(from: KeyText | null): void {
    if (this.#byStart.has(from)) return
    this.cut({ from: this.#last.from, to: from })
  }
}
