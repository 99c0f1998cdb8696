import type { AbortableOptions } from '../kernel/abort.ts'
import type { StoredChunk } from './chunk-ref.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { RangeEntry } from './manifest.ts'
import { openLayers } from './range-layers.ts'
import { sha256 } from './sha256.ts'

type Entry = Omit<RangeEntry, 'evidence'>

/** What is known of the merged range besides its layers. */
export interface MergedFacts {
  /** SHA-256 (hex) of the merged lines. Default null: they were not at hand. */
  readonly sha256?: string | null
  readonly digest?: string
}

/**
 * The range with one more layer: rows, first and last key of what the layers merge into, from the key indexes alone. Proves that the delta fits, else
 * `E_ARCHIVE_CORRUPT`. When nothing is left, the range is empty and has no layers.
 */
export async function layerDelta(chunks: ChunkStore, range: Entry, delta: StoredChunk, facts: MergedFacts = {}, options?: AbortableOptions): Promise<Entry> {
  const { from, to } = range
  const digest = facts.digest === undefined ? {} : { digest: facts.digest }
  const layers = [...range.layers, delta.ref]
  const merged = await openLayers(chunks, layers, options)
  if (merged.rows === 0) return { from, to, rows: 0, sha256: sha256(''), ...digest, firstKey: null, lastKey: null, layers: [] }
  const [first, last] = [merged.spans[0]!, merged.spans.at(-1)!]
  const keyAt = (layer: number, row: number) => merged.layers[layer]!.index.keyAt(row)
  const [firstKey, lastKey] = [keyAt(first.layer, first.from), keyAt(last.layer, last.to - 1)]
  return { from, to, rows: merged.rows, sha256: facts.sha256 ?? null, ...digest, firstKey, lastKey, layers }
}
