import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChunkStore } from './chunk-store.ts'
import { parseDeltaText } from './delta-text.ts'
import { type LayeredRange, openRange, type RangeLayers } from './range-layers.ts'

export interface RangeKeys {
  readonly rows: number
  /** In key order. May be asked for again. */
  keys(): IterableIterator<KeyText>
}

/** The keys of a range, its layers merged, from the key indexes alone: no chunk is read. */
export async function rangeKeys(chunks: ChunkStore, range: LayeredRange, options?: AbortableOptions): Promise<RangeKeys> {
  const opened = await openRange(chunks, range, options)
  return { rows: opened.rows, keys: () => mergedKeys(opened) }
}

/**
 * Does the range hold a record for each of the keys? From the key indexes alone. A layer that holds a key twice is `E_ARCHIVE_CORRUPT`.
 */
export async function holdsKeys(chunks: ChunkStore, range: LayeredRange, keys: ReadonlySet<KeyText>, options?: AbortableOptions): Promise<boolean> {
  const { layers } = await openRange(chunks, range, options)
  const [base, ...deltas] = layers
  if (!base) return keys.size === 0
  const found = new Set(base.index.locate(keys).keys())
  for (const { texts } of deltas) {
    for (const { kind, key } of texts!.map(parseDeltaText)) {
      if (key === null || kind === 'anchor' || !keys.has(key)) continue
      if (kind === 'upsert') found.add(key)
      else found.delete(key)
    }
  }
  return found.size === keys.size
}

/** The rows of one layer stand in merged order as they stand in the layer, so that each index is gone through once. */
export function* mergedKeys({ layers, spans }: RangeLayers): Generator<KeyText, undefined, undefined> {
  const sources = layers.map(({ index }) => ({ keys: index.keys(), row: 0 }))
  for (const { layer, from, to } of spans) {
    const source = sources[layer]!
    for (; source.row < from; source.row++) source.keys.next()
    for (; source.row < to; source.row++) yield source.keys.next().value as KeyText
  }
}
