import { createHash, hash } from 'node:crypto'
import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { Compression } from '../plan/backup-policy.ts'
import { compressFrame } from './frame-compressor.ts'
import { encodeFrameTable } from './frame-table.ts'
import { createKeyIndexBuilder, type KeyIndexContent } from './key-index-builder.ts'
import { encodeKeyIndex, type IndexedFrame } from './key-index-format.ts'
import { LIMITS } from './limits.ts'
import { encodePrefix, type ObjectHeader } from './object-container.ts'
import { sha256, totalBytes } from './sha256.ts'

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

/** A chunk ready to be stored. The byte arrays are the stored objects, in pieces. */
export interface EncodedChunk {
  /** SHA-256 (hex) of the plain lines. */
  readonly id: string
  readonly kind: 'base'
  readonly sha256: string
  readonly rows: number
  readonly plainBytes: number
  readonly firstKey: KeyText
  readonly lastKey: KeyText
  readonly object: readonly Uint8Array[]
  readonly storedBytes: number
  readonly storedSha256: string
  readonly index: readonly Uint8Array[]
  readonly indexBytes: number
  readonly indexSha256: string
}

interface PendingFrame {
  readonly plainBytes: number
  readonly rows: number
  readonly stored: Promise<Uint8Array>
}

const DEFAULT_CONCURRENCY = 3

/**
 * The lines are hashed on the calling thread, while earlier frames are compressed in the pool: with 0.6 ms a MiB that is cheaper than any way of having it
 * done elsewhere, all of which copy the bytes first (`bench/chunk-codec.ts`).
 */
export function createChunkEncoder({ compression, level, concurrency = DEFAULT_CONCURRENCY, references }: ChunkEncoderOptions): ChunkEncoder {
  const digest = createHash('sha256')
  const keyIndex = createKeyIndexBuilder(references)
  const stride = 2 + 2 * references.length
  const frames: PendingFrame[] = []
  let settled = 0
  let plainBytes = 0
  let rows = 0

  return {
    get plainBytes() {
      return plainBytes
    },
    get rows() {
      return rows
    },
    async append(batch) {
      assertBatch(batch, stride)
      if (batch.rows === 0) return
      if (frames.length === LIMITS.frames) throw new RangeError(`a chunk has at most ${LIMITS.frames} frames; append larger batches`)
      const stored = compressFrame(batch.bytes, compression, level)
      // Uncompressed, the frame is the batch. A failure is reported by the append or finish that waits for the frame.
      stored.then(compression === 'none' ? undefined : batch.release, () => {})
      frames.push({ plainBytes: batch.bytes.byteLength, rows: batch.rows, stored })
      digest.update(batch.bytes)
      keyIndex.add(batch)
      plainBytes += batch.bytes.byteLength
      rows += batch.rows
      while (frames.length - settled >= concurrency) await frames[settled++]!.stored
    },
    async finish() {
      if (rows === 0) throw new TypeError('an empty range has no chunk')
      const bodies = await Promise.all(frames.map((frame) => frame.stored))
      const sizes = frames.map((frame, i) => ({ storedBytes: bodies[i]!.byteLength, plainBytes: frame.plainBytes, rows: frame.rows }))
      const id = digest.digest('hex')
      const common = { format: 1, magic: 'holdfast', compression, encryption: null, features: [], rows } as const
      const prefix = encodePrefix({ ...common, kind: 'base', plainBytes, plainSha256: id, frames: frames.length })
      const table = encodeFrameTable(sizes)
      const object = [prefix, table, ...bodies]
      const storedSha256 = sha256(object)
      const { firstKey, lastKey, ...content } = keyIndex.finish()
      const indexed = sizes.map((size, i) => ({ ...size, sha256: hash('sha256', bodies[i]!, 'buffer') }))
      const index = await encodeIndexObject(content, indexed, prefix.byteLength + table.byteLength, { ...common, chunk: storedSha256 }, level)
      return {
        id,
        kind: 'base',
        sha256: id,
        rows,
        plainBytes,
        firstKey,
        lastKey,
        object,
        storedBytes: totalBytes(object),
        storedSha256,
        index,
        indexBytes: totalBytes(index),
        indexSha256: sha256(index),
      }
    },
  }
}

async function encodeIndexObject(
  content: KeyIndexContent,
  frames: readonly IndexedFrame[],
  bodyOffset: number,
  common: Omit<ObjectHeader, 'kind' | 'plainBytes' | 'plainSha256'>,
  level: number,
): Promise<readonly Uint8Array[]> {
  const plain = encodeKeyIndex(content, frames, bodyOffset)
  const body = await compressFrame(plain, common.compression, level)
  return [encodePrefix({ ...common, kind: 'index', plainBytes: plain.byteLength, plainSha256: sha256(plain) }), body]
}

function assertBatch(batch: RecordBatch, stride: number): void {
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
