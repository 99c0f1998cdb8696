import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChunkStore } from './chunk-store.ts'
import { deleteText } from './delta-text.ts'
import type { LayeredRange } from './range-layers.ts'

/**
 * The line of one record of a range, without its 0x0A; null when the range does not have the key. The newest layer that knows the key decides. One index read
 * a layer, until then, and one ranged read.
 */
export async function findRecord(chunks: ChunkStore, range: LayeredRange, key: KeyText, options: AbortableOptions = {}): Promise<Uint8Array | null> {
  if (!key.startsWith('[')) return null
  for (const ref of range.layers.toReversed()) {
    const index = await chunks.readIndex(ref, options)
    if (ref.kind === 'delta' && index.find(deleteText(key))) return null
    const place = index.find(key)
    if (!place) continue
    for await (const lines of chunks.readFrames(ref, [place.frame], { ...options, index })) return lines.subarray(place.start, place.end)
  }
  return null
}
