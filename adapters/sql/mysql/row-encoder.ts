import type { HashedTexts, RecordBatch } from '../../../src/contracts/record-batch.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { BatchBuffers } from '../transcoder/batch-buffers.ts'
import { copyProgram } from '../transcoder/copy-program.ts'
import { CONTROL, REASON, STATUS } from '../transcoder/transcoder-memory.ts'
import type { MysqlEntity } from './catalog.ts'
import { RowMemory, type RowMemoryShape } from './row-memory.ts'
import { alwaysLossless, textFromColumns } from './row-sql.ts'

export interface RowEncoderOptions {
  /** Property paths whose value spans `RecordBatch.marks` shall hold, in this order. Default none. */
  readonly references?: readonly string[] | undefined
  /** Gives batches the texts that the server hashes with this seed, where they can be told from the rows. Default: they have none. */
  readonly seed?: string | undefined
}

const BATCH_BYTES = 1024 * 1024
/** The row that fills a batch ends beyond its target by less than this, nearly always. */
const LAST_ROW = 16 * 1024
/** A memory that one long row made this much larger is given back with the batch that held it. */
const SPARE_BYTES = 16 * 1024 * 1024

/** Rows of `columnsSql` as the server sends them in, record lines out. What it gives is the caller's own. */
export class RowEncoder {
  readonly #entity: MysqlEntity
  readonly #shape: RowMemoryShape
  readonly #buffers = new BatchBuffers(BATCH_BYTES + LAST_ROW)
  readonly #textBuffers = new BatchBuffers(BATCH_BYTES + LAST_ROW)
  #memory: RowMemory
  readonly #plainBytes: number

  constructor(entity: MysqlEntity, { references, seed }: RowEncoderOptions = {}) {
    this.#entity = entity
    this.#shape = {
      program: copyProgram(entity.descriptor.fields, entity.descriptor.key, references),
      nullable: new Set(entity.columns.flatMap(({ nullable }, at) => (nullable ? [at] : []))),
      withVerdict: !alwaysLossless(entity),
      separator: seed !== undefined && textFromColumns(entity) ? Buffer.from(seed, 'hex') : null,
      target: BATCH_BYTES,
    }
    this.#memory = new RowMemory(this.#shape)
    this.#plainBytes = this.#memory.byteLength
  }

  /** The batches that these rows fill. Must be read to the end before the next call. */
  *encode(rows: Uint8Array, alone: number): Generator<RecordBatch> {
    if (rows.length > this.#memory.inputBytes) yield* this.rest()
    this.#memory.put(rows, alone)
    while (true) {
      const status = this.#memory.encode()
      if (status === STATUS.bad) throw this.#refused()
      if (status === STATUS.needRoom && this.#memory.words[CONTROL.rows] === 0) this.#memory.reserveRoom(this.#memory.words[CONTROL.need]!)
      else if (status !== STATUS.needInput || this.#full) yield* this.rest()
      if (status === STATUS.needInput) break
    }
    if (this.#memory.byteLength > this.#plainBytes + SPARE_BYTES && this.#memory.words[CONTROL.rows] === 0) this.#memory = new RowMemory(this.#shape)
  }

  /** The lines so far, when there are any. */
  *rest(): Generator<RecordBatch> {
    const { words, bytes } = this.#memory
    const rows = words[CONTROL.rows]!
    if (rows === 0) return
    const [from, to] = [words[CONTROL.outBase]!, words[CONTROL.outPos]!]
    const buffer = this.#buffers.take(to - from)
    const own = buffer.subarray(0, to - from)
    own.set(bytes.subarray(from, to))
    const stride = words[CONTROL.stride]!
    const marksAt = words[CONTROL.marks]! >>> 2
    const batch = { bytes: own, rows, marks: words.slice(marksAt, marksAt + rows * stride), stride, release: () => this.#buffers.give(buffer) }
    const texts = this.#shape.separator === null ? null : this.#texts(rows)
    this.#memory.clear()
    yield texts === null ? batch : { ...batch, hashed: texts.hashed, release: () => [this.#buffers.give(buffer), texts.release()] }
  }

  /** There is nothing more to encode. */
  end(): void {
    this.#buffers.end()
    this.#textBuffers.end()
  }

  #texts(rows: number): { readonly hashed: HashedTexts; readonly release: () => void } {
    const { words, bytes } = this.#memory
    const [from, to] = [words[CONTROL.textBase]!, words[CONTROL.textPos]!]
    const buffer = this.#textBuffers.take(to - from)
    const own = buffer.subarray(0, to - from)
    own.set(bytes.subarray(from, to))
    const endsAt = words[CONTROL.textEnds]! >>> 2
    return { hashed: { bytes: own, ends: words.slice(endsAt, endsAt + rows) }, release: () => this.#textBuffers.give(buffer) }
  }

  get #full(): boolean {
    const { words } = this.#memory
    return words[CONTROL.outPos]! - words[CONTROL.outBase]! >= BATCH_BYTES
  }

  #refused(): HoldfastError {
    const { descriptor } = this.#entity
    const { words } = this.#memory
    const field = descriptor.fields[words[CONTROL.badField]!]?.path
    const reason = words[CONTROL.badReason]
    if (reason === REASON.inexact) {
      return new HoldfastError('E_RECORD', `${descriptor.name}: a text holds bytes that its character set has no character for`, {
        hint: 'Back it up as bytes (BLOB), or correct the text.',
        details: { entity: descriptor.name },
      })
    }
    const what = reason === REASON.null ? `field ${field} is NULL, which it cannot be` : `the row has not the ${descriptor.fields.length} fields of the record`
    return new HoldfastError('E_SCHEMA_DRIFT', `${descriptor.name}: ${what}`, {
      hint: 'The table is not as it was described. Check that nothing alters it during the backup.',
      details: { entity: descriptor.name },
    })
  }
}
