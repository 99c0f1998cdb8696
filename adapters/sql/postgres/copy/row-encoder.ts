import type { RecordBatch } from '../../../../src/contracts/record-batch.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { BatchBuffers } from '../../transcoder/batch-buffers.ts'
import type { CopyProgram } from '../../transcoder/copy-program.ts'
import { CONTROL, REASON, STATUS, TranscoderMemory } from '../../transcoder/transcoder-memory.ts'

const SOCKET_CHUNK = 64 * 1024
/** The row that fills a batch ends beyond its target by less than this, nearly always. */
const LAST_ROW = 16 * 1024
/** Rows of up to about 40 KiB fit behind a batch that is nearly full. */
const ROOM_BEHIND = 256 * 1024
/** A memory that one long row made this much larger is given back with the batch that held it. */
const SPARE_BYTES = 16 * 1024 * 1024

/** A message of the server that is not CopyData, whole, with its code and length. */
export interface ServerMessage {
  readonly code: number
  readonly bytes: Uint8Array
}

/** What stopped the encoder: it wants more bytes, it has a batch, or the server says something else. */
export type EncoderStep = 'input' | 'batch' | 'message'

/**
 * Server messages in, record lines out. Takes the bytes of the socket as they come, cut anywhere: CopyData messages become lines, any other
 * message is shown. Nothing is read twice, and what `batch` returns is the caller's own.
 */
export class RowEncoder {
  /** Rows encoded so far, those not yet taken included. */
  get rows(): number {
    return this.#taken + this.#memory.words[CONTROL.rows]!
  }

  /** What the encoder holds, beside batches handed over. */
  get memoryBytes(): number {
    return this.#memory.byteLength
  }

  readonly #program: CopyProgram
  readonly #batchBytes: number
  readonly #buffers: BatchBuffers
  #memory: TranscoderMemory
  #plainBytes: number
  #taken = 0

  constructor(program: CopyProgram, batchBytes: number) {
    this.#program = program
    this.#batchBytes = batchBytes
    this.#buffers = new BatchBuffers(batchBytes + LAST_ROW)
    this.#memory = this.#newMemory()
    this.#plainBytes = this.#memory.byteLength
  }

  feed(chunk: Uint8Array): void {
    this.#memory.feed(chunk)
  }

  step(): EncoderStep {
    const memory = this.#memory
    while (true) {
      const status = memory.encode()
      if (status === STATUS.needInput) {
        this.#reserveMessage(memory.words[CONTROL.need]!)
        return 'input'
      }
      if (status === STATUS.batchFull) return 'batch'
      if (status === STATUS.message) return 'message'
      if (status === STATUS.bad) throw this.#mismatch()
      if (memory.words[CONTROL.rows]! > 0) return 'batch'
      memory.reserveOutput(memory.words[CONTROL.need]!)
    }
  }

  /** The lines so far, as the caller's own; undefined when there are none. */
  batch(): RecordBatch | undefined {
    const { words, bytes } = this.#memory
    const rows = words[CONTROL.rows]!
    if (rows === 0) return undefined
    const base = words[CONTROL.outBase]!
    const end = words[CONTROL.outPos]!
    const stride = words[CONTROL.stride]!
    const buffer = this.#buffers.take(end - base)
    const own = buffer.subarray(0, end - base)
    own.set(bytes.subarray(base, end))
    const marksAt = words[CONTROL.marks]! >>> 2
    const batch = { bytes: own, rows, marks: words.slice(marksAt, marksAt + rows * stride), stride, release: () => this.#buffers.give(buffer) }
    words[CONTROL.outPos] = base
    words[CONTROL.rows] = 0
    this.#taken += rows
    this.#giveBack()
    return batch
  }

  /** After `step` said `message`: the message, once all of it is here. */
  message(): ServerMessage | undefined {
    const { pending } = this.#memory
    const length = messageLength(pending)
    if (length === undefined || pending.length < length) return undefined
    const bytes = Buffer.from(pending.subarray(0, length))
    this.#memory.words[CONTROL.inPos]! += length
    return { code: bytes[0]!, bytes }
  }

  /** Everything not yet taken, as the caller's own; the encoder has no input after that. */
  rest(): Buffer {
    const rest = Buffer.from(this.#memory.pending)
    this.#memory.words[CONTROL.inPos] = this.#memory.words[CONTROL.inEnd]!
    return rest
  }

  /** There is nothing more to encode. */
  end(): void {
    this.#buffers.end()
  }

  #newMemory(): TranscoderMemory {
    return new TranscoderMemory(this.#program, {
      inputBytes: 2 * SOCKET_CHUNK,
      outputBytes: this.#batchBytes + ROOM_BEHIND,
      rowsMax: Math.max(1024, Math.ceil(this.#batchBytes / 32)),
      target: this.#batchBytes,
    })
  }

  /** A long row is announced by its length: room for it is made once, not chunk by chunk. */
  #reserveMessage(bytes: number): void {
    const memory = this.#memory
    if (bytes <= SOCKET_CHUNK) return
    memory.feed(new Uint8Array())
    memory.reserveInput(bytes + SOCKET_CHUNK)
  }

  #giveBack(): void {
    const { pending, byteLength } = this.#memory
    if (byteLength <= this.#plainBytes + SPARE_BYTES || pending.length > SPARE_BYTES) return
    const fresh = this.#newMemory()
    fresh.feed(pending)
    this.#memory = fresh
  }

  #mismatch(): HoldfastError {
    const { words } = this.#memory
    const field = this.#program.fields[words[CONTROL.badField]!]
    const what = words[CONTROL.badReason] === REASON.columns ? 'the row has not as many columns as the record has fields' : `it is no ${field?.type.kind}`
    return new HoldfastError('E_SCHEMA_DRIFT', `row ${this.rows + 1} cannot be read at field ${field?.path}: ${what}`, {
      hint: 'The table is not as it was described. Check that nothing alters it during the backup.',
      details: { row: this.rows + 1, field: field?.path },
    })
  }
}

function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < 5) return undefined
  return 1 + bytes[1]! * 0x1000000 + ((bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!)
}
