import { createHash } from 'node:crypto'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { corrupt } from './archive-error.ts'
import type { ChunkStore } from './chunk-store.ts'
import { LayerLines } from './layer-lines.ts'
import { type LayeredRange, openRange, type RangeLayers } from './range-layers.ts'

/** Shorter pieces are joined, so that a few changed records do not make thousands of pieces; longer ones are passed on as they are. */
const SMALL_BYTES = 64 * 1024
const JOINED_BYTES = 256 * 1024

/**
 * The records of a range as whole lines in key order, its layers merged. Untouched stretches of the base are slices of its frames. Memory: the stored bytes
 * and key indexes of the layers, and a few frames of each.
 *
 * Before the first line: the stored bytes of every layer were proved, the layers fit together and hold as many records as the range declares. With the last:
 * the lines of every layer, and of all together where the range has their hash. `E_ARCHIVE_MISSING`, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT`.
 */
export async function* readRange(chunks: ChunkStore, range: LayeredRange, options: AbortableOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
  const [base, ...deltas] = range.layers
  if (base?.kind === 'base' && deltas.length === 0) {
    if (range.rows !== base.rows || range.sha256 !== base.sha256) throw corrupt(chunks.label(base), 'is not the chunk that its range declares')
    yield* chunks.read(base, options)
    return
  }
  const opened = await openRange(chunks, range, options)
  if (base) yield* readLayers(chunks, opened, range.sha256, options)
}

/** The same, of layers whose indexes were read. `sha256`: of the merged lines, or null. */
export function readLayers(
  chunks: ChunkStore,
  opened: RangeLayers,
  sha256: string | null,
  options: AbortableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  return joinSmall(mergeLines(chunks, opened, sha256, options))
}

async function* mergeLines(chunks: ChunkStore, { layers, spans }: RangeLayers, sha256: string | null, options: AbortableOptions): AsyncGenerator<Uint8Array> {
  const digest = sha256 === null ? null : createHash('sha256')
  const lines = layers.map((layer) => new LayerLines(layer, chunks.read(layer.ref, options)))
  try {
    for (const layer of lines) await layer.begin()
    for (const { layer, from, to } of spans) {
      throwIfAborted(options.signal)
      const source = lines[layer]!
      for (let row = from; row < to; row = source.row) {
        let piece = source.take(row, to)
        for (; !piece; piece = source.take(row, to)) await source.load()
        digest?.update(piece)
        yield piece
      }
    }
    for (const layer of lines) await layer.end()
  } finally {
    for (const layer of lines) layer.close()
  }
  if (digest && digest.digest('hex') !== sha256) throw corrupt(layers.at(-1)!.object, 'its range merges into other lines than were hashed')
}

async function* joinSmall(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let small: Uint8Array[] = []
  let bytes = 0
  const joined = () => {
    const whole = small.length === 1 ? small[0]! : Buffer.concat(small, bytes)
    small = []
    bytes = 0
    return whole
  }
  for await (const piece of pieces) {
    if (piece.byteLength >= SMALL_BYTES) {
      if (bytes > 0) yield joined()
      yield piece
      continue
    }
    small.push(piece)
    bytes += piece.byteLength
    if (bytes >= JOINED_BYTES) yield joined()
  }
  if (bytes > 0) yield joined()
}
