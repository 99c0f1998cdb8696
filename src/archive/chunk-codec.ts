import type { RecordBatch } from '../contracts/record-batch.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { Compression } from '../plan/backup-policy.ts'
import { createChunkAssembler, type EncodedChunk } from './chunk-assembler.ts'
import { createKeyIndexBuilder } from './key-index-builder.ts'
import { LIMITS } from './limits.ts'

export interface ChunkEncoderOptions {
  readonly compression: Compression
  readonly level: number
  /** Frames being compressed at once, in the thread pool. Default 3. Each holds its batch and its output in memory. */
  readonly concurrency?: number
  /** Property paths of the reference fields, in the order of the pairs in `RecordBatch.marks`. */
  readonly references: readonly string[]
}

/** Makes one chunk from batches of record lines. Use one encoder a chunk. */
export interface ChunkEncoder {
  /** Starts compressing the batch as a frame of its own; resolves when there is room for another. Rejects when an earlier frame failed. */
  append(batch: RecordBatch): Promise<void>
  /** Bytes and rows appended so far; when `plainBytes` has reached the plan's `chunkBytes`, finish. */
  readonly plainBytes: number
  readonly rows: number
  /** Call once, with at least one row appended: an empty range has no chunk (TypeError). */
  finish(): Promise<EncodedChunk>
}

/** Use one encoder a chunk. */
export function createChunkEncoder({ references, ...options }: ChunkEncoderOptions): ChunkEncoder {
  const assembler = createChunkAssembler({ ...options, kind: 'base' })
  const keyIndex = createKeyIndexBuilder(references)

  return {
    get plainBytes() {
      return assembler.plainBytes
    },
    get rows() {
      return assembler.rows
    },
    async append(batch) {
      assertBatch(batch, references.length)
      if (batch.rows === 0) return
      // The index is made while the frame is being compressed; before the append resolves, since the batch may be filled anew from then on.
      const room = assembler.append(batch.bytes, batch.rows, batch.release)
      keyIndex.add(batch)
      keyIndex.endFrame()
      await room
    },
    async finish() {
      if (assembler.rows === 0) throw new TypeError('an empty range has no chunk')
      return await assembler.finish(keyIndex.finish())
    },
  }
}

/** Is it a batch with so many reference fields, within what a reader accepts? */
export function assertBatch(batch: RecordBatch, references: number): void {
  const stride = 2 + 2 * references
  if (batch.stride !== stride || batch.marks.length < batch.rows * stride)
    throw new TypeError(`a batch with ${stride} marks a line was expected, it has ${batch.stride}`)
  if (batch.rows > 0 && batch.marks[(batch.rows - 1) * stride] !== batch.bytes.byteLength)
    throw new TypeError('the marks of a batch do not end where its bytes end')
  if (batch.bytes.byteLength > LIMITS.frameBytes) {
    throw new HoldfastError('E_RECORD', `a batch of ${batch.bytes.byteLength} bytes; a record line can have at most ${LIMITS.frameBytes}`, {
      hint: 'Exclude the field that holds the large value.',
    })
  }
}
