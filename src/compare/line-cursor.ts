import type { KeyText } from '../contracts/key-range.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { JsonScanError, scanString, scanValue } from '../record/index.ts'

const NEWLINE = 0x0a
const EMPTY = Buffer.alloc(0)

/** Goes through records line by line, and waits only where a new piece has to be fetched. */
export class LineCursor {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #keyFields: number
  #piece: Buffer = EMPTY
  #start = 0
  #end = 0
  #done = false

  /** `keyFields`: how many fields, first in every line, are the key. */
  constructor(pieces: AsyncIterable<Uint8Array>, keyFields: number) {
    this.#pieces = pieces[Symbol.asyncIterator]()
    this.#keyFields = keyFields
  }

  /** There is no line any more. */
  get done(): boolean {
    return this.#done
  }

  /** Goes to the next line. False when it is not at hand: then `load` must be awaited. */
  step(): boolean {
    if (this.#end === this.#piece.byteLength) return false
    this.#start = this.#end
    const at = this.#piece.indexOf(NEWLINE, this.#start)
    this.#end = at < 0 ? this.#piece.byteLength : at + 1
    return true
  }

  /** Fetches until there is a line, and goes to it; or is done. */
  async load(): Promise<void> {
    while (!this.step()) {
      const { done, value } = await this.#pieces.next()
      if (done) {
        this.#done = true
        this.#piece = EMPTY
        this.#start = this.#end = 0
        return
      }
      this.#piece = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      this.#start = this.#end = 0
    }
  }

  equals(other: LineCursor): boolean {
    const length = this.#end - this.#start
    return length === other.#end - other.#start && this.#piece.compare(other.#piece, other.#start, other.#end, this.#start, this.#end) === 0
  }

  /** The line with its 0x0A, good until the next step. */
  get line(): Buffer {
    return this.#piece.subarray(this.#start, this.#end)
  }

  key(): KeyText {
    return lineKey(this.#piece, this.#start, this.#end, this.#keyFields)
  }

  /** Ends the reading early. */
  async close(): Promise<void> {
    if (!this.#done) await this.#pieces.return?.()
    this.#done = true
  }
}

/** The key text of the line from `start` to `end`. */
export function lineKey(bytes: Buffer, start: number, end: number, keyFields: number): KeyText {
  try {
    let at = start
    let text = '['
    for (let field = 0; field < keyFields; field++) {
      const valueAt = scanString(bytes, at + 1, end) + 1
      at = scanValue(bytes, valueAt, end)
      text += (field === 0 ? '' : ',') + bytes.toString('utf8', valueAt, at)
    }
    return `${text}]`
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error
    throw new HoldfastError('E_RECORD', `a line does not start with its ${keyFields} key fields (${error.message})`, { cause: error })
  }
}
