import { createHash, hash } from 'node:crypto'
import type { KeyText } from '../contracts/key-range.ts'
import { freeBytes } from '../kernel/free-bytes.ts'
import type { Compression } from '../plan/backup-policy.ts'
import type { ChunkKind } from './chunk-ref.ts'
import { compressFrame } from './frame-compressor.ts'
import { encodeFrameTable } from './frame-table.ts'
import type { FinishedKeyIndex, KeyIndexContent } from './key-index-builder.ts'
import { encodeKeyIndex, type IndexedFrame } from './key-index-format.ts'
import { LIMITS } from './limits.ts'
import { DELTA_FEATURE, encodePrefix, type ObjectHeader } from './object-container.ts'
import { boundsOf, type ReferenceBounds } from './reference-bounds.ts'
import { sha256, totalBytes } from './sha256.ts'

/** A chunk ready to be stored. The byte arrays are the stored objects, in pieces. */
export interface EncodedChunk {
  /** SHA-256 (hex) of the plain lines. */
  readonly id: string
  readonly kind: ChunkKind
  readonly sha256: string
  readonly rows: number
  readonly plainBytes: number
  /** Of a delta: lines of that kind. */
  readonly deletes?: number
  readonly anchors?: number
  /** First and last text of the key index: of a base, its first and last key. */
  readonly firstKey: KeyText
  readonly lastKey: KeyText
  /** Of the fields of which it is known. */
  readonly references: readonly ReferenceBounds[]
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

export interface ChunkAssemblerOptions {
  readonly kind: ChunkKind
  readonly compression: Compression
  readonly level: number
  /** Frames being compressed at once, in the thread pool. Default 3. Each holds its lines and its output in memory. */
  readonly concurrency?: number
}

/** Whole lines in, frame by frame; a chunk with its key index out. */
export interface ChunkAssembler {
  readonly plainBytes: number
  readonly rows: number
  /** Takes the lines before it returns, as a frame of their own; resolves when there is room for another. Rejects when an earlier frame failed. */
  append(lines: Uint8Array, rows: number, release?: () => void): Promise<void>
  finish(index: FinishedKeyIndex, counts?: Pick<EncodedChunk, 'deletes' | 'anchors'>): Promise<EncodedChunk>
}

/**
 * The lines are hashed on the calling thread, while earlier frames are compressed in the pool: with 0.6 ms a MiB that is cheaper than any way of having it
 * done elsewhere, all of which copy the bytes first (`bench/chunk-codec.ts`).
 */
export function createChunkAssembler({ kind, compression, level, concurrency = DEFAULT_CONCURRENCY }: ChunkAssemblerOptions): ChunkAssembler {
  const digest = createHash('sha256')
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
    async append(lines, count, release) {
      if (frames.length === LIMITS.frames) throw new RangeError(`a chunk has at most ${LIMITS.frames} frames; append larger batches`)
      const stored = compressFrame(lines, compression, level)
      // Uncompressed, the frame is the batch. A failure is reported by the append or finish that waits for the frame.
      stored.then(compression === 'none' ? undefined : release, () => {})
      frames.push({ plainBytes: lines.byteLength, rows: count, stored })
      digest.update(lines)
      plainBytes += lines.byteLength
      rows += count
      while (frames.length - settled >= concurrency) await frames[settled++]!.stored
    },
    async finish({ firstKey, lastKey, release, ...content }, counts = {}) {
      const bodies = await Promise.all(frames.map((frame) => frame.stored))
      const sizes = frames.map((frame, i) => ({ storedBytes: bodies[i]!.byteLength, plainBytes: frame.plainBytes, rows: frame.rows }))
      const id = digest.digest('hex')
      const features = kind === 'delta' ? [DELTA_FEATURE] : []
      const common = { format: 1, magic: 'holdfast', compression, encryption: null, features, rows } as const
      const prefix = encodePrefix({ ...common, kind, plainBytes, plainSha256: id, frames: frames.length })
      const table = encodeFrameTable(sizes)
      const object = [prefix, table, ...bodies]
      const storedSha256 = sha256(object)
      const indexed = sizes.map((size, i) => ({ ...size, sha256: hash('sha256', bodies[i]!, 'buffer') }))
      const index = await encodeIndexObject(content, indexed, prefix.byteLength + table.byteLength, { ...common, chunk: storedSha256 }, level)
      release()
      return {
        id,
        kind,
        sha256: id,
        rows,
        plainBytes,
        ...counts,
        firstKey,
        lastKey,
        // Bounds that do not speak of every frame would rule out what stands in the others.
        references: content.references.flatMap(({ field, frames: bounds }) => (bounds?.length === frames.length ? [boundsOf(field, bounds)] : [])),
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
  const prefix = encodePrefix({ ...common, kind: 'index', plainBytes: plain.byteLength, plainSha256: sha256(plain) })
  const body = await compressFrame(plain, common.compression, level)
  if (body !== plain) freeBytes(plain)
  return [prefix, body]
}
