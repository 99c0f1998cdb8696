import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { createKeyTextReader } from '../record/index.ts'
import { type ChunkEncoder, type ChunkEncoderOptions, createChunkEncoder } from './chunk-codec.ts'
import type { StoredChunk } from './chunk-ref.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { RangeEntry } from './manifest.ts'
import { createLineMarker, type LineShape } from './mark-lines.ts'
import { readRange } from './read-range.ts'

type Entry = Omit<RangeEntry, 'evidence'>

export interface FoldOptions extends ChunkEncoderOptions, LineShape, AbortableOptions {
  /** Plain bytes of a chunk, about: a range that holds twice as much or more is cut. */
  readonly chunkBytes: number
}

export interface FoldedRange {
  readonly range: Entry
  readonly chunk: StoredChunk
}

/**
 * Makes base chunks of a layered range and stores them: one, or, when the range has grown, several ranges that follow each other, cut at keys of it; none when it is empty. They
 * hold the same records between the same bounds. Reads and writes the storage only. The layers stay where they are: other snapshots have them. Memory: that of
 * `readRange`, and one compressed chunk.
 */
export async function foldLayers(chunks: ChunkStore, range: Entry, options: FoldOptions): Promise<readonly FoldedRange[]> {
  const { chunkBytes, keyFields, signal, ...encoding } = options
  const [base] = range.layers
  if (!base) return []
  const mark = createLineMarker(options, chunks.label(base))
  const keyOf = createKeyTextReader(keyFields)
  const target = partBytes(range, chunkBytes)
  const folded: FoldedRange[] = []
  let from = range.from
  let encoder: ChunkEncoder | null = null

  const store = async (full: ChunkEncoder, to: KeyText | null) => {
    const chunk = await chunks.put(await full.finish(), { signal })
    const { ref, firstKey, lastKey } = chunk
    folded.push({ range: { from, to, rows: ref.rows, sha256: ref.sha256, firstKey, lastKey, layers: [ref] }, chunk })
    from = to
  }

  for await (const lines of readRange(chunks, range, { signal })) {
    for (const batch of cut(mark(lines), target)) {
      if (encoder && encoder.plainBytes >= target) {
        await store(encoder, keyOf(batch.bytes, 0, batch.marks[1]!))
        encoder = null
      }
      encoder ??= createChunkEncoder(encoding)
      await encoder.append(batch)
    }
  }
  if (encoder) await store(encoder, range.to)
  const [only] = folded
  if (folded.length !== 1 || range.digest === undefined) return folded
  return [{ ...only!, range: { ...only!.range, digest: range.digest } }]
}

/** Parts of equal size, each of `chunkBytes` or more. The merged size is guessed from the layers: deleted and replaced records count too. */
function partBytes(range: Entry, chunkBytes: number): number {
  const records = range.layers.reduce((sum, { rows, deletes = 0, anchors = 0 }) => sum + rows - deletes - anchors, 0)
  const bytes = range.layers.reduce((sum, { plainBytes }) => sum + plainBytes, 0)
  const merged = records === 0 ? 0 : (bytes * range.rows) / records
  const parts = Math.max(1, Math.floor(merged / chunkBytes))
  return parts === 1 ? Number.POSITIVE_INFINITY : merged / parts
}

/** Pieces of whole lines, none much larger than a part, so that a part ends about where it should. */
function* cut(batch: RecordBatch, maxBytes: number): Generator<RecordBatch> {
  const { bytes, rows, marks, stride } = batch
  if (bytes.byteLength <= maxBytes) return yield batch
  for (let first = 0, start = 0, row = 0; row < rows; row++) {
    const end = marks[row * stride]!
    if (end - start < maxBytes && row < rows - 1) continue
    const own = marks.slice(first * stride, (row + 1) * stride).map((mark) => mark - start)
    yield { bytes: bytes.subarray(start, end), rows: row + 1 - first, marks: own, stride }
    first = row + 1
    start = end
  }
}
