import type { ChunkRef, ChunkStore, ManifestEntity } from '../archive/index.ts'
import type { LineSource } from '../contracts/restore-target.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'

/** Every chunk of an entity, in key order, once each. */
export function chunksOf(entity: ManifestEntity): ChunkRef[] {
  return entity.ranges.flatMap((range) => {
    // Layers are in the format from the first day, so that a reader of format 1 knows what it does not understand.
    if (range.layers.length > 1 || range.layers.some(({ kind }) => kind !== 'base')) {
      throw new HoldfastError('E_ARCHIVE_FORMAT', `a range of "${entity.descriptor.name}" has delta layers, which this version does not merge`)
    }
    return range.layers
  })
}

/** The records of an entity as they stand in the storage. While one chunk is consumed the next is fetched and proved. */
export function snapshotLines(entity: ManifestEntity, chunks: ChunkStore, onStored: (bytes: number) => void): LineSource {
  const refs = chunksOf(entity)
  return {
    rows: entity.rows,
    async *open({ signal }: AbortableOptions = {}) {
      let current: Fetching | null = null
      let ahead = fetchFirst(0)
      try {
        for (let at = 0; at < refs.length; at++) {
          throwIfAborted(signal)
          current = ahead!
          ahead = fetchFirst(at + 1)
          const { iterator, first } = current
          let step = await first
          onStored(refs[at]!.storedBytes)
          for (; !step.done; step = await iterator.next()) yield step.value
        }
      } finally {
        // Told, not awaited: whoever stops early must not wait for a fetch that nobody needs.
        current?.close()
        ahead?.close()
      }

      function fetchFirst(at: number): Fetching | null {
        const ref = refs[at]
        if (!ref) return null
        const iterator = chunks.read(ref, { signal })[Symbol.asyncIterator]()
        const first = iterator.next()
        first.catch(() => {}) // awaited in its turn; until then it must not count as unhandled
        return { iterator, first, close: () => void first.then(() => iterator.return?.()).catch(() => {}) }
      }
    },
  }
}

/** A chunk whose first lines are under way. */
interface Fetching {
  readonly iterator: AsyncIterator<Uint8Array>
  readonly first: Promise<IteratorResult<Uint8Array>>
  close(): void
}
