import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { createKeyTextReader } from '../record/index.ts'
import { type ChunkEncoder, type ChunkEncoderOptions, createChunkEncoder } from './chunk-codec.ts'
import type { StoredChunk } from './chunk-ref.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { RangeEntry } from './manifest.ts'
import { createLineMarker, type LineShape } from './mark-lines.ts'
import { openRange, type RangeLayers } from './range-layers.ts'
import { readLayers } from './read-range.ts'

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
  const opened = await openRange(chunks, range, { signal })
  const target = partBytes(opened, chunkBytes)
  const folded: FoldedRange[] = []
  let from = range.from
  let encoder: ChunkEncoder | null = null

  const store = async (full: ChunkEncoder, to: KeyText | null) => {
    const chunk = await chunks.put(await full.finish(), { signal })
    const { ref, firstKey, lastKey } = chunk
    folded.push({ range: { from, to, rows: ref.rows, sha256: ref.sha256, firstKey, lastKey, layers: [ref] }, chunk })
    from = to
  }

  for await (const lines of readLayers(chunks, opened, range.sha256, { signal })) {
    let rest: RecordBatch | null = mark(lines)
    while (rest) {
      if (encoder && encoder.plainBytes >= target) {
        await store(encoder, keyOf(rest.bytes, 0, rest.marks[1]!))
        encoder = null
      }
      encoder ??= createChunkEncoder(encoding)
      const [head, tail] = splitBatch(rest, target - encoder.plainBytes)
      await encoder.append(head)
      rest = tail
    }
  }
  if (encoder) await store(encoder, range.to)
  const [only] = folded
  if (folded.length !== 1 || range.digest === undefined) return folded
  return [{ ...only!, range: { ...only!.range, digest: range.digest } }]
}

/** Parts of equal size, each of `chunkBytes` or more. */
function partBytes({ layers, spans }: RangeLayers, chunkBytes: number): number {
  let bytes = 0
  for (const { layer, from, to } of spans) for (let row = from; row < to; row++) bytes += layers[layer]!.index.lineLengths[row]!
  const parts = Math.floor(bytes / chunkBytes)
  return parts < 2 ? Number.POSITIVE_INFINITY : Math.ceil(bytes / parts)
}

/** The first rows, of so many bytes or somewhat more, and what is left. */
function splitBatch(batch: RecordBatch, bytes: number): [RecordBatch, RecordBatch | null] {
  const { rows, marks, stride } = batch
  if (batch.bytes.byteLength <= bytes) return [batch, null]
  let row = 1
  while (row < rows && marks[(row - 1) * stride]! < bytes) row++
  if (row === rows) return [batch, null]
  const cut = marks[(row - 1) * stride]!
  return [
    { bytes: batch.bytes.subarray(0, cut), rows: row, marks: marks.subarray(0, row * stride), stride },
    { bytes: batch.bytes.subarray(cut), rows: rows - row, marks: marks.slice(row * stride).map((mark) => mark - cut), stride },
  ]
}
