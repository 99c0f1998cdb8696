import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChunkStore } from './chunk-store.ts'
import { deleteText } from './delta-text.ts'
import type { RecordPlace } from './key-index.ts'
import type { LayeredRange } from './range-layers.ts'

/**
 * The line of one record of a range, without its 0x0A; null when the range does not have the key. The newest layer that knows the key decides. One index read
 * a layer, until then, and one ranged read.
 */
export async function findRecord(chunks: ChunkStore, range: LayeredRange, key: KeyText, options: AbortableOptions = {}): Promise<Uint8Array | null> {
  return (await findRecords(chunks, range, [key], options)).get(key) ?? null
}

/** The same of a few records; those that the range does not have are left out. A frame that holds several is read once. */
export async function findRecords(
  chunks: ChunkStore,
  range: LayeredRange,
  keys: Iterable<KeyText>,
  options: AbortableOptions = {},
): Promise<ReadonlyMap<KeyText, Uint8Array>> {
  const found = new Map<KeyText, Uint8Array>()
  const sought = new Set([...keys].filter((key) => key.startsWith('[')))
  for (const ref of range.layers.toReversed()) {
    if (sought.size === 0) break
    const index = await chunks.readIndex(ref, options)
    const places = new Map<number, [KeyText, RecordPlace][]>()
    for (const key of sought) {
      if (ref.kind === 'delta' && index.find(deleteText(key))) {
        sought.delete(key)
        continue
      }
      const place = index.find(key)
      if (!place) continue
      sought.delete(key)
      places.set(place.frame, [...(places.get(place.frame) ?? []), [key, place]])
    }
    const frames = [...places.keys()]
    let at = 0
    for await (const lines of chunks.readFrames(ref, frames, { ...options, index })) {
      for (const [key, { start, end }] of places.get(frames[at++]!)!) found.set(key, lines.subarray(start, end))
    }
  }
  return found
}
