import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { CopyProgram } from './copy-program.ts'
import { TRANSCODER_WASM } from './transcoder.generated.ts'

/** Words of the control block, by index into 32-bit words (`assembly/control.ts` has the same, in bytes). */
export const CONTROL = {
  fields: 16,
  fieldCount: 17,
  inPos: 18,
  inEnd: 19,
  outBase: 20,
  outPos: 21,
  outEnd: 22,
  target: 23,
  marks: 24,
  stride: 25,
  rows: 26,
  rowsMax: 27,
  need: 28,
  badField: 29,
  badReason: 30,
  fixedBytes: 31,
  hasArrays: 32,
  appended: 33,
  appendedCount: 34,
  lineLow: 36,
  lineHigh: 37,
  textPos: 38,
  textEnd: 39,
  textEnds: 40,
  textBase: 41,
  withText: 42,
  separator: 44,
  nullables: 46,
  withVerdict: 47,
  alone: 48,
} as const

export const STATUS = { needInput: 0, batchFull: 1, needRoom: 2, message: 3, bad: 4 } as const
export const REASON = { columns: 1, value: 2, name: 3, end: 4, null: 5, inexact: 6 } as const

/** What is used of the global `WebAssembly`, whose types are otherwise found only among those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

export interface TranscoderExports {
  readonly memory: Memory
  readonly encode: () => number
  readonly decode: () => number
  readonly encodeRows: () => number
}

const FIELD_BYTES = 16
export const PAGE = 65_536
/** The transcoder reads and writes in blocks and may touch this much beyond an end. */
export const SLACK = 64
/** Static data ends below this address. */
export const PROGRAM_AT = 4096
/** Input of one row or line, escapes and all. Beyond it the 32-bit memory could not hold input and output together. */
export const MAX_ROW_BYTES = 768 * 1024 * 1024

export const align = (bytes: number, to = 16) => Math.ceil(bytes / to) * to

let compiled: object | undefined

/** A transcoder with a memory of its own. */
export function newTranscoder(): TranscoderExports {
  compiled ??= new WebAssembly.Module(Buffer.from(TRANSCODER_WASM, 'base64'))
  return new WebAssembly.Instance(compiled).exports as TranscoderExports
}

export interface MemoryShape extends ProgramShape {
  readonly inputBytes: number
  readonly outputBytes: number
  /** Room for the marks of so many lines. */
  readonly rowsMax: number
  /** A batch of this length is full. */
  readonly target: number
}

export interface ProgramShape {
  /** Which fields go to COPY text, by position; needed by `decode` alone. */
  readonly sent?: ReadonlySet<number>
  /** COPY text of appended columns; null is the line number. */
  readonly appended?: readonly (Uint8Array | null)[]
  /** Which fields may be NULL, by position; needed by `encodeRows` alone. */
  readonly nullable?: ReadonlySet<number>
}

/**
 * One instance of the transcoder and the layout of its memory: program, marks, input, output. Input and output grow to the longest row; a
 * memory cannot shrink, so who needs that takes a new one.
 */
export class TranscoderMemory {
  readonly encode: () => number
  readonly decode: () => number
  /** Valid until the next `reserve…`. */
  bytes: Uint8Array
  words: Uint32Array
  readonly #memory: Memory
  readonly #inputAt: number
  #inputBytes: number
  #outputBytes: number

  constructor(program: CopyProgram, shape: MemoryShape) {
    const { memory, encode, decode } = newTranscoder()
    this.#memory = memory
    this.encode = encode
    this.decode = decode
    const stride = 2 + 2 * program.references
    const { image, appendedAt } = programImage(program, shape)
    const marksAt = align(PROGRAM_AT + image.length)
    this.#inputAt = align(marksAt + shape.rowsMax * stride * 4)
    this.#inputBytes = align(shape.inputBytes)
    this.#outputBytes = align(shape.outputBytes)
    this.bytes = new Uint8Array(memory.buffer)
    this.words = new Uint32Array(memory.buffer)
    this.#fit()
    this.bytes.set(image, PROGRAM_AT)
    const { words } = this
    words[CONTROL.fields] = PROGRAM_AT
    words[CONTROL.fieldCount] = program.codes.length
    words[CONTROL.marks] = marksAt
    words[CONTROL.stride] = stride
    words[CONTROL.rowsMax] = shape.rowsMax
    words[CONTROL.target] = shape.target
    words[CONTROL.fixedBytes] = fixedBytes(program) + (shape.appended ?? []).reduce((sum, text) => sum + (text?.length ?? 20) + 1, 0)
    words[CONTROL.hasArrays] = program.codes.some(({ delimiter }) => delimiter !== 0) ? 1 : 0
    words[CONTROL.appended] = appendedAt
    words[CONTROL.appendedCount] = shape.appended?.length ?? 0
    words[CONTROL.inPos] = words[CONTROL.inEnd] = this.#inputAt
    words[CONTROL.outBase] = words[CONTROL.outPos] = this.#outputAt
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength
  }

  /** Bytes fed and not yet taken. */
  get pending(): Uint8Array {
    return this.bytes.subarray(this.words[CONTROL.inPos], this.words[CONTROL.inEnd])
  }

  feed(chunk: Uint8Array): void {
    const { words } = this
    const from = words[CONTROL.inPos]!
    const left = words[CONTROL.inEnd]! - from
    if (from !== this.#inputAt) {
      if (left > 0) this.bytes.copyWithin(this.#inputAt, from, from + left)
      words[CONTROL.inPos] = this.#inputAt
    }
    if (left + chunk.length > this.#inputBytes) this.reserveInput(Math.max(left + chunk.length, Math.min(this.#inputBytes * 2, MAX_ROW_BYTES)))
    this.bytes.set(chunk, this.#inputAt + left)
    this.words[CONTROL.inEnd] = this.#inputAt + left + chunk.length
  }

  /** Makes room for `bytes` of input from the first byte not yet taken, which must be at the start. */
  reserveInput(bytes: number): void {
    if (bytes <= this.#inputBytes) return
    const from = this.#outputAt
    const written = this.words[CONTROL.outPos]! - from
    this.#inputBytes = align(bytes + SLACK, PAGE)
    if (bytes > MAX_ROW_BYTES) throw tooLong(bytes)
    this.#fit()
    this.bytes.copyWithin(this.#outputAt, from, from + written)
    this.words[CONTROL.outBase] = this.#outputAt
    this.words[CONTROL.outPos] = this.#outputAt + written
  }

  /** Makes room for `bytes` of output behind what is written. */
  reserveOutput(bytes: number): void {
    const needed = this.words[CONTROL.outPos]! - this.#outputAt + bytes
    if (needed <= this.#outputBytes) return
    this.#outputBytes = align(needed, PAGE)
    this.#fit()
  }

  get #outputAt(): number {
    return this.#inputAt + this.#inputBytes + SLACK
  }

  #fit(): void {
    const end = this.#outputAt + this.#outputBytes + SLACK
    const missing = Math.ceil((end - this.byteLength) / PAGE)
    if (end > 0xffff_0000) throw tooLong(end)
    if (missing > 0) this.#memory.grow(missing)
    this.bytes = new Uint8Array(this.#memory.buffer)
    this.words = new Uint32Array(this.#memory.buffer)
    this.words[CONTROL.outEnd] = this.#outputAt + this.#outputBytes
  }
}

/** Most bytes that a line needs beside what its values do. */
export const fixedBytes = (program: CopyProgram): number => program.codes.reduce((sum, { prefix }) => sum + prefix.length + 16, 64)

/** Field descriptors, appended columns, then the texts they point to. */
export function programImage(program: CopyProgram, shape: ProgramShape): { image: Uint8Array; appendedAt: number } {
  const appended = shape.appended ?? []
  const tables = program.codes.length * FIELD_BYTES + appended.length * 8
  const texts = [...program.codes.map(({ prefix }) => prefix), ...appended.map((text) => text ?? new Uint8Array())]
  const image = Buffer.alloc(texts.reduce((sum, text) => sum + align(text.length) + 16, align(tables)))
  let textAt = align(tables)
  const place = (text: Uint8Array): number => {
    const at = textAt
    image.set(text, at)
    textAt += align(text.length) + 16
    return PROGRAM_AT + at
  }
  program.codes.forEach((code, index) => {
    const at = index * FIELD_BYTES
    const flags = (code.lastOfKey ? 1 : 0) | (shape.sent?.has(index) ? 2 : 0) | (shape.nullable?.has(index) ? 4 : 0)
    image.set([code.kind, code.element, code.delimiter, flags], at)
    image.writeUInt32LE(place(code.prefix), at + 4)
    image.writeUInt32LE(code.prefix.length, at + 8)
    image.writeUInt32LE(code.reference < 0 ? 0 : 8 + code.reference * 8, at + 12)
  })
  appended.forEach((text, index) => {
    const at = program.codes.length * FIELD_BYTES + index * 8
    image.writeUInt32LE(text === null ? 0 : place(text), at)
    image.writeUInt32LE(text?.length ?? 0, at + 4)
  })
  return { image, appendedAt: PROGRAM_AT + program.codes.length * FIELD_BYTES }
}

export function tooLong(bytes: number): HoldfastError {
  return new HoldfastError('E_RECORD', `a row of ${bytes} bytes is longer than a record may be`, {
    hint: 'Records of up to 256 MiB are served; leave the field out with @BackupIgnore.',
  })
}
