import type { KeyText } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChunkStore } from './chunk-store.ts'
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

/** The rows of one layer stand in merged order as they stand in the layer, so that each index is gone through once. */
export function* mergedKeys({ layers, spans }: RangeLayers): Generator<KeyText, undefined, undefined> {
  const sources = layers.map(({ index }) => ({ keys: index.keys(), row: 0 }))
  for (const { layer, from, to } of spans) {
    const source = sources[layer]!
    for (; source.row < from; source.row++) source.keys.next()
    for (; source.row < to; source.row++) yield source.keys.next().value as KeyText
  }
}
