import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { KeyIndex } from './key-index.ts'
import type { LayeredRange } from './range-layers.ts'
import { readRange } from './read-range.ts'
import type { ReferenceSearch } from './reference-search.ts'

/** Below this a chunk is read at once: asking its index first would save nothing. */
const MIN_ROWS = 200
/** Frames up to which each is fetched by itself, and not the chunk. */
const FEW_FRAMES = 2

/** Where in a range the sought records may be: in these frames of its only chunk, or anywhere. */
export interface ReferringPlace {
  readonly frames: readonly number[] | null
  readonly index?: KeyIndex
}

/** Null when the manifest or the key indexes prove that no record of the range is sought. No index is read of chunks that the manifest rules out. */
export async function findReferring(
  chunks: ChunkStore,
  { layers, rows }: LayeredRange,
  search: ReferenceSearch,
  options: AbortableOptions = {},
): Promise<ReferringPlace | null> {
  // A record comes from one layer as a whole, whatever is layered over it.
  const possible = layers.filter((layer) => search.mayBeIn(layer))
  if (possible.length === 0) return null
  if (rows < MIN_ROWS) return { frames: null }
  const found = await Promise.all(
    possible.map(async (layer) => {
      const index = await chunks.readIndex(layer, options)
      return { index, frames: search.frames(index) }
    }),
  )
  const some = found.filter(({ frames }) => frames.length > 0)
  if (some.length === 0) return null
  const [only] = some
  return layers.length === 1 && only && only.frames.length <= FEW_FRAMES ? only : { frames: null }
}

/** Whole lines, among them all of the range that are sought. Of single frames it is proved that they are those that were stored. */
export function readReferring(
  chunks: ChunkStore,
  range: LayeredRange,
  { frames, index }: ReferringPlace,
  options: AbortableOptions = {},
): AsyncIterable<Uint8Array> {
  const [only] = range.layers
  return frames && index && only ? chunks.readFrames(only, frames, { ...options, index }) : readRange(chunks, range, options)
}
