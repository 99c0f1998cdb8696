import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { scanValue } from '../../../src/record/json-scan.ts'
import { BatchBuffers } from '../postgres/copy/batch-buffers.ts'
import type { MysqlEntity } from './catalog.ts'

const BATCH_BYTES = 1024 * 1024
const SLACK = 64 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const BRACE = 0x7d
const BRACKET = 0x5b
const LETTER_N = 0x6e
const LINE_FEED = 0x0a

/** Gathers record lines that the database made into batches, and finds the spans that the marks hold. */
export class LineBatches {
  readonly #buffers = new BatchBuffers(BATCH_BYTES + SLACK)
  /** Bytes of `{"path":` or `,"path":` of each field up to the last one whose span is wanted. */
  readonly #prefixes: readonly number[]
  /** Place of the field among the references; -1 when it is none. */
  readonly #reference: readonly number[]
  readonly #lastOfKey: number
  readonly #stride: number
  #bytes: Uint8Array
  #used = 0
  #rows = 0
  #marks = new Uint32Array(4096)

  constructor({ columns, descriptor }: MysqlEntity, references: readonly string[] = []) {
    const places = references.map((path) => columns.findIndex((column) => column.path === path))
    this.#lastOfKey = descriptor.key.length - 1
    const needed = columns.slice(0, Math.max(this.#lastOfKey, ...places) + 1)
    this.#prefixes = needed.map(({ path }) => Buffer.byteLength(JSON.stringify(path)) + 2)
    this.#reference = needed.map((_, at) => places.indexOf(at))
    this.#stride = 2 + references.length * 2
    this.#bytes = this.#buffers.take(0)
  }

  get full(): boolean {
    return this.#used >= BATCH_BYTES
  }

  /** One whole line with its line feed. It is copied. */
  add(line: Uint8Array): void {
    const start = this.#used
    const end = start + line.length
    if (end > this.#bytes.length) {
      const larger = this.#buffers.take(Math.max(this.#bytes.length * 2, end))
      larger.set(this.#bytes.subarray(0, start))
      this.#bytes = larger
    }
    this.#used = start
    // No line feed stands in a line but those of TO_BASE64, and the last.
    let from = 0
    for (let feed = line.indexOf(LINE_FEED); feed >= 0 && feed < line.length - 1; feed = line.indexOf(LINE_FEED, from)) {
      this.#copy(line.subarray(from, feed))
      from = feed + 1
    }
    this.#copy(from === 0 ? line : line.subarray(from))
    this.#mark(start, this.#used)
    this.#rows++
  }

  #copy(piece: Uint8Array): void {
    this.#bytes.set(piece, this.#used)
    this.#used += piece.length
  }

  /** What was added since the last time; null when nothing was. */
  take(): RecordBatch | null {
    if (this.#rows === 0) return null
    const whole = this.#bytes
    const bytes = whole.subarray(0, this.#used)
    lowerEscapes(bytes)
    const marks = this.#marks.slice(0, this.#rows * this.#stride)
    const batch = { bytes, rows: this.#rows, marks, stride: this.#stride, release: () => this.#buffers.give(whole) }
    this.#bytes = this.#buffers.take(0)
    this.#used = 0
    this.#rows = 0
    return batch
  }

  #mark(start: number, end: number): void {
    const bytes = this.#bytes
    let mark = this.#rows * this.#stride
    if (mark + this.#stride > this.#marks.length) {
      const more = new Uint32Array(this.#marks.length * 2)
      more.set(this.#marks)
      this.#marks = more
    }
    const marks = this.#marks
    marks[mark++] = end
    let at = start
    for (let place = 0; place < this.#prefixes.length; place++) {
      const from = at + this.#prefixes[place]!
      at = valueEnd(bytes, from, end)
      if (place === this.#lastOfKey) marks[mark] = at
      const reference = this.#reference[place]!
      if (reference < 0) continue
      marks[mark + 1 + reference * 2] = bytes[from] === LETTER_N ? at : from
      marks[mark + 2 + reference * 2] = at
    }
  }
}

/** Just past the value. The database has made well-formed lines, so only their ends are looked for. */
function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  if (bytes[at] === QUOTE) {
    for (at++; at < end && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
    return at + 1
  }
  if (bytes[at] === BRACKET) return scanValue(bytes, start, end)
  while (at < end && bytes[at] !== COMMA && bytes[at] !== BRACE) at++
  return at
}

const ESCAPE = Buffer.from('\\u00')

/** `\u001F` as the record form has it: `\u001f`. A backslash that is itself escaped begins nothing. */
export function lowerEscapes(bytes: Uint8Array): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = text.indexOf(ESCAPE); at >= 0; at = text.indexOf(ESCAPE, at + 4)) {
    let first = at
    while (first > 0 && text[first - 1] === BACKSLASH) first--
    if ((at - first) % 2 === 1) continue
    for (let digit = at + 4; digit < at + 6; digit++) if (text[digit]! >= 0x41 && text[digit]! <= 0x46) text[digit]! += 0x20
  }
}
