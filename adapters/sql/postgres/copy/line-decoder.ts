import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { AppendedColumn } from './copy-in.ts'
import type { CopyProgram } from '../../transcoder/copy-program.ts'
import { CONTROL, REASON, STATUS, TranscoderMemory, type MemoryShape } from '../../transcoder/transcoder-memory.ts'

const NEWLINE = 0x0a
const COPY_DATA = 0x64
const HEADER_BYTES = 5
/** Lines are fed in pieces of at most this, so that memory does not follow the size of what a reader hands over. */
const FEED_BYTES = 256 * 1024
const PIECE_BYTES = 64 * 1024
const SPARE_BYTES = 16 * 1024 * 1024

/**
 * Record lines in, CopyData messages out. Takes the lines cut anywhere; what it yields is the caller's own. A line that is not exactly what
 * the encoder would have written is refused with `E_RECORD`.
 */
export class LineDecoder {
  /** Lines taken so far. */
  rows = 0
  readonly #program: CopyProgram
  readonly #shape: MemoryShape
  readonly #firstLine: number
  #memory: TranscoderMemory
  readonly #plainBytes: number

  constructor(program: CopyProgram, options: { readonly sent: ReadonlySet<number>; readonly appended: readonly AppendedColumn[]; readonly firstLine: number }) {
    this.#program = program
    this.#firstLine = options.firstLine
    this.#shape = {
      inputBytes: 2 * FEED_BYTES,
      outputBytes: 4 * PIECE_BYTES,
      rowsMax: 0,
      target: HEADER_BYTES + PIECE_BYTES,
      sent: options.sent,
      appended: options.appended.map((column) => (column === 'line-number' ? null : copyText(column.constant))),
    }
    this.#memory = this.#newMemory()
    this.#plainBytes = this.#memory.byteLength
  }

  /** The messages that these bytes complete. Must be read to the end before the next call. */
  *messages(lines: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < lines.length; at += FEED_BYTES) {
      const piece = lines.subarray(at, at + FEED_BYTES)
      this.#memory.feed(piece)
      // While a long line has no end, there is nothing to look at again.
      if (!piece.includes(NEWLINE)) continue
      yield* this.#run()
    }
  }

  /** Throws when the last line had no end. */
  finish(): void {
    if (this.#memory.pending.length > 0) throw this.#bad('the last line has no end', undefined)
  }

  *#run(): Generator<Buffer> {
    while (true) {
      const memory = this.#memory
      const status = memory.decode()
      this.rows += memory.words[CONTROL.rows]!
      memory.words[CONTROL.rows] = 0
      if (status === STATUS.bad) throw this.#refused()
      const written = memory.words[CONTROL.outPos]! - memory.words[CONTROL.outBase]!
      if (written > HEADER_BYTES) {
        yield this.#take(written)
        this.#giveBack()
      } else if (status === STATUS.needRoom) memory.reserveOutput(memory.words[CONTROL.need]!)
      if (status === STATUS.needInput) return
    }
  }

  #take(written: number): Buffer {
    const { bytes, words } = this.#memory
    const base = words[CONTROL.outBase]!
    const message = Buffer.allocUnsafeSlow(written)
    message.set(bytes.subarray(base, base + written))
    message[0] = COPY_DATA
    message.writeUInt32BE(written - 1, 1)
    words[CONTROL.outPos] = base + HEADER_BYTES
    return message
  }

  #newMemory(): TranscoderMemory {
    const memory = new TranscoderMemory(this.#program, this.#shape)
    const line = this.#firstLine + this.rows
    memory.words[CONTROL.lineLow] = line % 2 ** 32
    memory.words[CONTROL.lineHigh] = Math.floor(line / 2 ** 32)
    memory.words[CONTROL.outPos]! += HEADER_BYTES
    return memory
  }

  #giveBack(): void {
    const { pending, byteLength } = this.#memory
    if (byteLength <= this.#plainBytes + SPARE_BYTES || pending.length > SPARE_BYTES) return
    const fresh = this.#newMemory()
    fresh.feed(pending)
    this.#memory = fresh
  }

  #refused(): HoldfastError {
    const { words } = this.#memory
    const field = this.#program.fields[words[CONTROL.badField]!]!
    const reason = words[CONTROL.badReason]
    if (reason === REASON.name) return this.#bad(`field ${field.path} should stand here`, field.path)
    if (reason === REASON.end) return this.#bad(`the line should end behind field ${field.path}`, field.path)
    return this.#bad(`field ${field.path} is no canonical ${field.type.kind}`, field.path)
  }

  #bad(what: string, field: string | undefined): HoldfastError {
    const line = this.#firstLine + this.rows
    return new HoldfastError('E_RECORD', `line ${line}: ${what}`, { details: { line, ...(field === undefined ? {} : { field }) } })
  }
}

const COPY_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' }

function copyText(constant: string | null): Uint8Array {
  return Buffer.from(constant === null ? '\\N' : constant.replace(/[\\\b\f\n\r\t\v]/g, (character) => COPY_ESCAPES[character]!))
}
