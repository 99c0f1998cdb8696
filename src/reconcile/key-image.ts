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
   * Makes the range a piece of its own: cuts the piece that begins at `range.from`, or joins it with those after it up to where one ends. What is cut or joined is
   * unknown from then on. False when the range was a piece already. RangeError when no piece begins at its beginning, or it ends inside a later one.
   */
  cut(range: KeyRange): boolean {
    const node = this.#byStart.get(range.from)
    if (!node) throw new RangeError(`no piece begins at ${range.from}`)
    if (node.to === range.to) return false
    if (range.to === null || this.#byStart.has(range.to)) this.#join(node, range.to)
    else this.#split(node, range.to)
    return true
  }

  /** What is known of the range from now on. The rest of the piece it begins, if it does not fill it, is unknown. RangeError when it goes beyond that piece. */
  know(range: KeyRange, known: K): void {
    const node = this.#byStart.get(range.from)
    if (!node) throw new RangeError(`no piece begins at ${range.from}`)
    if (node.to !== range.to) {
      if (range.to === null || this.#byStart.has(range.to)) throw new RangeError(`the range ${range.from}..${range.to} goes beyond its piece`)
      this.#split(node, range.to)
    }
    node.known = known
  }

  #split(node: Node<K>, at: KeyText): void {
    const rest: Node<K> = { from: at, to: node.to, known: null, next: node.next }
    this.#byStart.set(at, rest)
    node.to = at
    node.next = rest
    node.known = null
    if (rest.next === null) this.#last = rest
  }

  /** Forgets every entry that does not pass. */
  retain(passes: (known: K) => boolean): void {
    for (let node: Node<K> | null = this.#first; node; node = node.next) {
      if (node.known !== null && !passes(node.known)) node.known = null
    }
  }

  /** Replaces every entry by what it is worth now. */
  revise(revised: (known: K) => K): void {
    for (let node: Node<K> | null = this.#first; node; node = node.next) {
      if (node.known !== null) node.known = revised(node.known)
    }
  }

  *pieces(): Generator<Piece<K>> {
    for (let node: Node<K> | null = this.#first; node; node = node.next) {
      yield { range: { from: node.from, to: node.to }, known: node.known }
    }
  }

  #join(first: Node<K>, to: KeyText | null): void {
    const joined: Node<K>[] = []
    let last = first
    while (last.to !== to) {
      if (last.next === null) throw new RangeError(`the range ${first.from}..${to} ends before it begins`)
      last = last.next
      joined.push(last)
    }
    for (const { from } of joined) this.#byStart.delete(from)
    first.to = to
    first.next = last.next
    first.known = null
    if (first.next === null) this.#last = first
  }

  /** Makes a piece begin at `from`, which lies in the last piece unless one begins there. */
  #open(from: KeyText | null): void {
    if (this.#byStart.has(from)) return
    this.cut({ from: this.#last.from, to: from })
  }
}
