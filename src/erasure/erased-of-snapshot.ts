import { type ChunkStore, type ErasureEntry, type ErasureLog, type Manifest, type ManifestEntity, readRange } from '../archive/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { type ErasedRows, findErased, NOTHING_ERASED, type SearchedRows } from './erased-rows.ts'
import { mayHold } from './may-hold.ts'

export interface SearchedSnapshot {
  readonly manifest: Manifest
  readonly chunks: (bucket: string) => Promise<ChunkStore>
  /** Of the scope that holds the manifest. */
  readonly erasures: ErasureLog
  /** What an entity is called today. Default: as it was. */
  readonly nameToday?: (entity: ManifestEntity) => string
}

/**
 * What of a snapshot is left out because of the ledger. Without entries nothing is read; else, of entities that entries or references lead to, the key indexes, and chunks that may hold
 * something.
 */
export async function erasedOfSnapshot({ manifest, chunks, erasures, nameToday }: SearchedSnapshot, options: AbortableOptions = {}): Promise<ErasedRows> {
  const entries: ErasureEntry[] = []
  for await (const entry of erasures.list(options)) entries.push(entry)
  if (entries.length === 0) return NOTHING_ERASED
  const entities = manifest.entities.map((entity) => ({
    descriptor: entity.descriptor,
    today: nameToday?.(entity) ?? entity.descriptor.name,
    async *lines(wanted: SearchedRows, { signal }: AbortableOptions) {
      const store = await chunks(entity.bucket)
      for (const range of entity.ranges) {
        if (range.rows > 0 && (range.layers.length > 1 || (await mayHold(store, range.layers[0]!, wanted, { signal }))))
          yield* readRange(store, range, { signal })
      }
    },
  }))
  return findErased(entities, erasures, entries, options)
}
