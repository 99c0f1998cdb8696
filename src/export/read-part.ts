import { createHash } from 'node:crypto'
import { type ChunkEncoder, createChunkEncoder, type RangeEntry, type StoredChunk } from '../archive/index.ts'
import type { KeyRange, KeyText } from '../contracts/key-range.ts'
import type { RangeDigester } from '../contracts/range-digester.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import type { BackupPolicy } from '../plan/backup-policy.ts'
import { createKeyTextReader } from '../record/index.ts'
import { ChunkPipeline } from './chunk-pipeline.ts'
import type { EntityCopy } from './entity-copy.ts'
import { sliceBatch } from './slice-batch.ts'

export interface ReadPartOptions {
  readonly policy: BackupPolicy
  /** Plain bytes at which a chunk ends. */
  readonly cutBytes: number
  /** The lines of the range, where they come from elsewhere than the view. */
  readonly source?: AsyncIterable<RecordBatch>
  readonly signal: AbortSignal
  /** Asked at batch boundaries: true ends the part early, with what was read so far stored. */
  readonly pausing: () => boolean
  /** Storing failed while the reader may be waiting for the database. */
  readonly onFailure: (error: unknown) => void
  readonly onStored: (bytes: number) => void
  readonly onMoved: () => void
}

/**
 * Chunks of one reader that are being finished and stored while it fills the next: two at least, and a third while the storage takes its time, with index and chunk one after the other. What waits to be
 * stored is compressed.
 */
const CHUNKS_UNDER_WAY = 3

const NO_LINES_SHA256 = createHash('sha256').digest('hex')

type Entry = Omit<RangeEntry, 'evidence'>

/**
 * Reads one part of an entity and stores it as chunks of about the size that was planned, cut between batches. The key at which a chunk is cut is the first one
 * after it, so that the ranges of the chunks meet without gap whatever lies between their last and first keys.
 */
export async function readPart(copy: EntityCopy, range: KeyRange, options: ReadPartOptions): Promise<void> {
  const { policy, signal, cutBytes } = options
  const { chunkBytes, compression, level } = policy
  const keyOf = createKeyTextReader(copy.descriptor.key.length)
  const pipeline = new ChunkPipeline<Entry>(CHUNKS_UNDER_WAY, (entry) => copy.stored(entry), options.onFailure)
  let from = range.from
  let encoder: ChunkEncoder | null = null
  let digester: RangeDigester | null = null
  let empty = true

  const store = async (full: ChunkEncoder, to: KeyText | null) => {
    const start = from
    from = to
    const digest = digester?.digest()
    encoder = null
    empty = false
    await pipeline.add(async () => {
      const chunk = await copy.chunks.put(await full.finish(), { signal })
      if (chunk.written) options.onStored(chunk.ref.storedBytes + chunk.ref.index.storedBytes)
      options.onMoved()
      return entryOf(chunk, start, to, digest)
    })
  }

  try {
    let paused = options.pausing()
    if (!paused) {
      const batches = options.source ?? copy.read(range, { signal })
      reading: for await (const whole of batches) {
        for (const batch of sliceBatch(whole, chunkBytes)) {
          paused = options.pausing()
          if (encoder && (paused || encoder.plainBytes >= cutBytes)) await store(encoder, keyOf(batch.bytes, 0, batch.marks[1]!))
          if (paused) break reading
          if (!encoder) {
            encoder = createChunkEncoder({ compression, level, references: copy.references })
            digester = copy.newDigester()
          }
          digester?.add(batch)
          await append(encoder, batch)
        }
      }
    }
    if (encoder) await store(encoder, range.to)
    await pipeline.drain()
    if (paused) return
    // An empty range is known as well: nothing is there.
    if (empty) copy.stored(emptyEntry(range))
    copy.closePart()
  } catch (error) {
    options.onFailure(error)
    await pipeline.drain().catch(() => {}) // puts under way end before the part does; the failure is thrown below
    throw error
  }

  async function append(open: ChunkEncoder, batch: RecordBatch): Promise<void> {
    await open.append(batch)
    copy.meter.advance(batch.rows, batch.bytes.length)
    options.onMoved()
  }
}

function entryOf(chunk: StoredChunk, from: KeyText | null, to: KeyText | null, digest: string | undefined): Entry {
  const { ref, firstKey, lastKey } = chunk
  return { from, to, rows: ref.rows, sha256: ref.sha256, ...(digest === undefined ? {} : { digest }), firstKey, lastKey, layers: [ref] }
}

function emptyEntry({ from, to }: KeyRange): Entry {
  return { from, to, rows: 0, sha256: NO_LINES_SHA256, firstKey: null, lastKey: null, layers: [] }
}
