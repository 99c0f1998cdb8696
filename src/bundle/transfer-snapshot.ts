import {
  type ChunkRef,
  type ChunkStore,
  corrupt,
  type Manifest,
  type ManifestEntity,
  type RangeEntry,
  type Repository,
  type RepositoryScope,
} from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { type ErasedRows, rewriteRange } from '../erasure/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { joinRanges } from './join-ranges.ts'
import { placedEntity, placedManifest } from './placed-manifest.ts'

export interface TransferSource {
  readonly manifest: Manifest
  chunks(bucket: string): Promise<ChunkStore>
  /** Records that stay behind. */
  readonly erased: ErasedRows
}

export interface TransferTarget {
  readonly repository: Repository
  readonly scope: RepositoryScope
  /** What the manifest calls the place of the chunks. */
  readonly bucket: string
}

export interface TransferProgress {
  /** Records that were taken over, and of how many. */
  readonly records: number
  readonly totalRecords: number
  /** Chunks that are in the target, and the bytes of those that this call stored. */
  readonly chunks: number
  readonly storedBytes: number
}

export interface TransferOptions extends AbortableOptions {
  /** Called after each range of keys. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** Ranges in hand at once; each is a chunk in memory, or a few frames of one. */
const PARALLEL = 2

/**
 * Puts a snapshot into another repository: chunk by chunk, every byte and line proved on the way, sealed with the keys of the target; then the manifest, when all is there. What is put there
 * is the state of the snapshot and nothing else: layers are merged, so that no chunk holds what a later one replaced or deleted, and what is erased stays behind.
 *
 * @throws what reading chunks throws, `E_CONDEMNED` when a prune of the target came in between, `E_STORAGE_EXISTS` when another snapshot of that id is there
 */
export async function transferSnapshot(source: TransferSource, target: TransferTarget, { onProgress, signal }: TransferOptions): Promise<Manifest> {
  const { manifest, erased } = source
  const { repository, scope, bucket } = target
  if (scope.id !== null) await repository.scopes.note(scope.id, { signal })
  const chunks = scope.writerChunks()
  const progress = { records: 0, totalRecords: manifest.totals.rows, chunks: 0, storedBytes: 0 }
  const placed = new Map<string, Promise<ChunkRef>>()

  async function place(from: ChunkStore, range: RangeEntry, layer: ChunkRef): Promise<ChunkRef> {
    const chunk = await from.readWhole(layer, { signal })
    if (chunk.firstKey !== range.firstKey || chunk.lastKey !== range.lastKey) throw corrupt(from.label(layer), 'holds other keys than its range declares')
    return count(await chunks.put(chunk, { signal }))
  }

  function count({ ref, written }: { readonly ref: ChunkRef; readonly written: boolean }): ChunkRef {
    progress.chunks++
    if (written) progress.storedBytes += ref.storedBytes + ref.index.storedBytes
    return ref
  }

  async function transferRange(from: ChunkStore, entity: ManifestEntity, range: RangeEntry, gone: ReadonlySet<KeyText>): Promise<RangeEntry> {
    throwIfAborted(signal)
    const [layer, ...more] = range.layers
    if (!layer) return range
    const whole = more.length === 0 && layer.kind === 'base'
    if (!whole || (gone.size > 0 && (await from.readIndex(layer, { signal })).locate(gone).size > 0)) {
      const { entry, stored } = await rewriteRange({ from, to: chunks, entity, range, erased: gone, signal })
      if (stored) count(stored)
      return entry
    }
    if (range.rows !== layer.rows || range.sha256 !== layer.sha256) throw corrupt(from.label(layer), 'is not the chunk that its range declares')
    const content = `${layer.sha256} ${layer.index.storedSha256}`
    const placing = placed.get(content) ?? place(from, range, layer)
    placed.set(content, placing)
    return { ...range, layers: [await placing] }
  }

  const entities: ManifestEntity[] = []
  for (const entity of manifest.entities) {
    const from = await source.chunks(entity.bucket)
    const gone = erased.of(entity.descriptor.store, entity.descriptor.name)
    const ranges: RangeEntry[] = []
    const transferred = mapOrdered(entity.ranges, PARALLEL, async (range) => ({ range, entry: await transferRange(from, entity, range, gone) }))
    for await (const { range, entry } of transferred) {
      ranges.push(entry)
      progress.records += range.rows
      onProgress?.({ ...progress })
    }
    entities.push(placedEntity(entity, joinRanges(ranges), bucket, gone.size > 0))
  }
  const result = placedManifest(manifest, entities, target)
  await chunks.assertPresent(
    entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers)),
    { signal },
  )
  throwIfAborted(signal)
  await scope.writeManifest(result, { signal })
  return result
}
