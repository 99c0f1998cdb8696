import type { CopyProgram } from '../transcoder/copy-program.ts'
import {
  align,
  CONTROL,
  fixedBytes,
  MAX_ROW_BYTES,
  newTranscoder,
  PAGE,
  PROGRAM_AT,
  programImage,
  SLACK,
  tooLong,
  type TranscoderExports,
} from '../transcoder/transcoder-memory.ts'

export interface RowMemoryShape {
  readonly program: CopyProgram
  /** Which fields may be NULL, by position. */
  readonly nullable: ReadonlySet<number>
  /** A column behind the fields says whether the text is exact. */
  readonly withVerdict: boolean
  /** Eight bytes that part the values in the text that the server would hash; null when that is not wanted. */
  readonly separator: Uint8Array | null
  /** A batch of this length is full. */
  readonly target: number
}

/** A read of the socket, and some more. */
const INPUT_BYTES = 128 * 1024
/** Rows of up to about 40 KiB fit behind a batch that is nearly full. */
const ROOM_BEHIND = 256 * 1024
/** Rows of short values take more room with a separator before each than with its name. */
const TEXT_FACTOR = 2

/**
 * One instance of the transcoder for rows of MySQL and the layout of its memory: program, marks, ends of texts, input, texts, lines. It grows to the longest row; a
 * memory cannot shrink, so who needs that takes a new one.
 */
export class RowMemory {
  /** Valid until the next call of `put` or `reserveRoom`. */
  bytes!: Uint8Array
  words!: Uint32Array
  readonly #transcoder: TranscoderExports
  readonly #inputAt: number
  #inputBytes = INPUT_BYTES
  #textBytes: number
  #lineBytes: number

  constructor({ program, nullable, withVerdict, separator, target }: RowMemoryShape) {
    this.#transcoder = newTranscoder()
    const stride = 2 + 2 * program.references
    const rowsMax = Math.max(1024, Math.ceil(target / 32))
    const { image } = programImage(program, { nullable })
    const marksAt = align(PROGRAM_AT + image.length)
    const endsAt = align(marksAt + rowsMax * stride * 4)
    this.#inputAt = align(endsAt + rowsMax * 4)
    this.#textBytes = separator === null ? 0 : align(target * TEXT_FACTOR + ROOM_BEHIND)
    this.#lineBytes = align(target + ROOM_BEHIND)
    this.#fit()
    this.bytes.set(image, PROGRAM_AT)
    const { words } = this
    words[CONTROL.fields] = PROGRAM_AT
    words[CONTROL.fieldCount] = program.codes.length
    words[CONTROL.marks] = marksAt
    words[CONTROL.stride] = stride
    words[CONTROL.rowsMax] = rowsMax
    words[CONTROL.target] = target
    words[CONTROL.fixedBytes] = fixedBytes(program)
    words[CONTROL.textEnds] = endsAt
    words[CONTROL.nullables] = nullable.size
    words[CONTROL.withVerdict] = withVerdict ? 1 : 0
    words[CONTROL.withText] = separator === null ? 0 : 1
    if (separator !== null) this.bytes.set(separator, CONTROL.separator * 4)
  }

  get byteLength(): number {
    return this.#transcoder.memory.buffer.byteLength
  }

  /** How long rows may be that are put in without room being made for them, which needs a memory that holds no lines. */
  get inputBytes(): number {
    return this.#inputBytes
  }

  encode(): number {
    return this.#transcoder.encodeRows()
  }

  /** Whole rows, when all before are encoded. */
  put(rows: Uint8Array, alone: number): void {
    if (rows.length > this.#inputBytes) {
      if (rows.length > MAX_ROW_BYTES) throw tooLong(rows.length)
      this.#inputBytes = align(rows.length, PAGE)
      this.#fit()
    }
    this.bytes.set(rows, this.#inputAt)
    this.words[CONTROL.inPos] = this.#inputAt
    this.words[CONTROL.inEnd] = this.#inputAt + rows.length
    this.words[CONTROL.alone] = alone
  }

  /** Makes room for one row that needs so many bytes, of text or as a line. The memory must hold no lines. */
  reserveRoom(bytes: number): void {
    if (this.words[CONTROL.withText] === 1) this.#textBytes = Math.max(this.#textBytes, align(bytes, PAGE))
    this.#lineBytes = Math.max(this.#lineBytes, align(bytes, PAGE))
    this.#fit()
  }

  /** Forgets the lines. */
  clear(): void {
    this.words[CONTROL.outPos] = this.words[CONTROL.outBase]!
    this.words[CONTROL.textPos] = this.words[CONTROL.textBase]!
    this.words[CONTROL.rows] = 0
  }

  #fit(): void {
    const textAt = this.#inputAt + this.#inputBytes + SLACK
    const linesAt = textAt + this.#textBytes + SLACK
    const end = linesAt + this.#lineBytes + SLACK
    if (end > 0xffff_0000) throw tooLong(end)
    const missing = Math.ceil((end - this.byteLength) / PAGE)
    if (missing > 0) this.#transcoder.memory.grow(missing)
    this.bytes = new Uint8Array(this.#transcoder.memory.buffer)
    this.words = new Uint32Array(this.#transcoder.memory.buffer)
    this.words[CONTROL.textBase] = textAt
    this.words[CONTROL.textEnd] = textAt + this.#textBytes
    this.words[CONTROL.outBase] = linesAt
    this.words[CONTROL.outEnd] = linesAt + this.#lineBytes
    this.clear()
  }
}
