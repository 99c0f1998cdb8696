import { corrupt } from './archive-error.ts'
import { ANCHOR_MARK, controlLine, DELETE_MARK } from './delta-text.ts'
import type { RangeLayer } from './range-layers.ts'

const NEWLINE = 0x0a
const OPEN_BRACE = 0x7b
const NOTHING = new Uint8Array(0)

/** The lines of one layer, given out from the first to the last. Holds one frame, beside those that its reader is ahead. */
export class LayerLines {
  readonly #layer: RangeLayer
  readonly #frames: AsyncIterator<Uint8Array>
  #first: Promise<IteratorResult<Uint8Array>> | null
  #frame: Uint8Array = NOTHING
  /** Place in the frame, and the row that begins there. */
  #at = 0
  #row = 0

  /** Begins to read at once. */
  constructor(layer: RangeLayer, lines: AsyncIterable<Uint8Array>) {
    this.#layer = layer
    this.#frames = lines[Symbol.asyncIterator]()
    this.#first = this.#frames.next()
    this.#first.catch(() => {}) // awaited by `begin`; until then it must not count as unhandled
  }

  /** Resolves when the stored bytes were proved. */
  async begin(): Promise<void> {
    await this.#load()
  }

  /**
   * Lines from row `from` on, which is not before what was given out last: as many of those up to `to` as one frame holds. The rows between are passed over.
   * Null when the next frame has to be loaded first.
   */
  take(from: number, to: number): Uint8Array | null {
    this.#pass(from)
    if (this.#row < from) return null
    const start = this.#at
    this.#pass(to)
    return this.#at > start ? this.#frame.subarray(start, this.#at) : null
  }

  /** The row that comes next. */
  get row(): number {
    return this.#row
  }

  async load(): Promise<void> {
    if (!(await this.#load())) throw corrupt(this.#layer.object, 'ends before the lines of its index do')
  }

  /** Reads the rest: with the last line the hash of them all is proved. */
  async end(): Promise<void> {
    do this.#pass(this.#layer.index.rows)
    while (await this.#load())
    if (this.#row !== this.#layer.index.rows) throw corrupt(this.#layer.object, 'ends before the lines of its index do')
  }

  /** Whoever stops early; not awaited, since nobody needs what is under way. */
  close(): void {
    void Promise.resolve(this.#first)
      .then(() => this.#frames.return?.())
      .catch(() => {})
  }

  #pass(to: number): void {
    const { index, object } = this.#layer
    while (this.#row < to && this.#at < this.#frame.byteLength) this.#at += index.lineLengths[this.#row++]!
    if (this.#at > this.#frame.byteLength || (this.#at > 0 && this.#frame[this.#at - 1] !== NEWLINE))
      throw corrupt(object, 'its lines are not where its index has them')
  }

  async #load(): Promise<boolean> {
    if (this.#at < this.#frame.byteLength) throw corrupt(this.#layer.object, 'has more lines than its index')
    const step = await (this.#first ?? this.#frames.next())
    this.#first = null
    this.#frame = step.done ? NOTHING : step.value
    this.#at = 0
    if (this.#layer.texts) assertKinds(this.#frame, this.#row, this.#layer, this.#layer.texts)
    return !step.done
  }
}

/** Is every line of a delta what the index, by which the layers are merged, takes it for? */
function assertKinds(frame: Uint8Array, firstRow: number, { index, object }: RangeLayer, texts: readonly string[]): void {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  for (let row = firstRow, at = 0; at < bytes.byteLength; row++) {
    const text = texts[row]
    const end = at + (index.lineLengths[row] ?? bytes.byteLength)
    const control = text?.startsWith(DELETE_MARK) || text?.startsWith(ANCHOR_MARK)
    if (text === undefined || (control ? bytes.toString('utf8', at, end) !== controlLine(text) : bytes[at] !== OPEN_BRACE))
      throw corrupt(object, `line ${row} is not what its index takes it for`)
    at = end
  }
}
