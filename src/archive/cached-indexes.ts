import type { ChunkStore } from './chunk-store.ts'
import type { KeyIndex } from './key-index.ts'

/** Keys of the indexes that are kept: some 50 MB of common keys. */
const LIMIT_ROWS = 2_000_000

/** Remembers the key indexes that were read last, so that looking for one key after the other does not read them again. */
export function withCachedIndexes(chunks: ChunkStore): ChunkStore {
  const cache = new Map<string, KeyIndex>()
  let rows = 0
  return {
    ...chunks,
    async readIndex(ref, options) {
      const known = cache.get(ref.name)
      if (known) {
        cache.delete(ref.name)
        cache.set(ref.name, known)
        return known
      }
      const index = await chunks.readIndex(ref, options)
      if (!cache.has(ref.name)) rows += index.rows
      cache.set(ref.name, index)
      for (const [name, { rows: dropped }] of cache) {
        if (rows <= LIMIT_ROWS || cache.size === 1) break
        cache.delete(name)
        rows -= dropped
      }
      return index
    },
  }
}
