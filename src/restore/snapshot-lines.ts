import { type ChunkStore, type ManifestEntity, type RangeEntry, readRange } from '../archive/index.ts'
import type { LineSource } from '../contracts/restore-target.ts'
import { linesOf, type RowSet } from './row-set.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'

/** The ranges of an entity that hold records, in key order. */
export function filledRanges({ ranges }: ManifestEntity): RangeEntry[] {
  return ranges.filter(({ layers }) => layers.length > 0)
}

/** Bytes of the storage that reading the range takes. */
export function storedBytesOf({ layers }: RangeEntry): number {
  return layers.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
}

/** The records of ranges as they stand in the storage, of some ranges only those rows. While one range is consumed the next is fetched and proved. */
export function snapshotLines(
  ranges: readonly RangeEntry[],
  chunks: ChunkStore,
  onStored: (bytes: number) => void,
  rowsOf: (range: RangeEntry) => RowSet | null = () => null,
): LineSource {
  return {
    rows: ranges.reduce((sum, range) => sum + (rowsOf(range)?.size ?? range.rows), 0),
    async *open({ signal }: AbortableOptions = {}) {
      let current: Fetching | null = null
      let ahead = fetchFirst(0)
      try {
        for (let at = 0; at < ranges.length; at++) {
          throwIfAborted(signal)
          current = ahead!
          ahead = fetchFirst(at + 1)
          const { iterator, first } = current
          let step = await first
          onStored(storedBytesOf(ranges[at]!))
          for (; !step.done; step = await iterator.next()) yield step.value
        }
      } finally {
        // Told, not awaited: whoever stops early must not wait for a fetch that nobody needs.
        current?.close()
        ahead?.close()
      }

      function fetchFirst(at: number): Fetching | null {
        const range = ranges[at]
        if (!range) return null
        const rows = rowsOf(range)
        const whole = readRange(chunks, range, { signal })
        const iterator = rows ? linesOf(whole, rows) : whole
        const first = rows ? iterator.next() : withIndex(chunks, range, iterator.next(), { signal })
        first.catch(() => {}) // awaited in its turn; until then it must not count as unhandled
        return {
          iterator,
          first,
          close: () =>
            void first
              .catch(() => {})
              .then(() => iterator.return())
              .catch(() => {}),
        }
      }
    },
  }
}

/** The key index of a chunk that is alone is not needed to read it, and proved all the same: whoever restores learns of all damage. Those of layers are read with them, and so is that of a range of which only some rows are wanted. */
async function withIndex<T>(chunks: ChunkStore, { layers }: RangeEntry, first: Promise<T>, options: AbortableOptions): Promise<T> {
  const [step] = await Promise.all([first, layers.length === 1 ? chunks.readIndex(layers[0]!, options) : null])
  return step
}

/** A range whose first lines are under way. */
interface Fetching {
  readonly iterator: AsyncGenerator<Uint8Array, void, undefined>
  readonly first: Promise<IteratorResult<Uint8Array>>
  close(): void
}
