import { type ChunkStore, type LayeredRange, readRange } from '../archive/index.ts'
import type { ConsistentView } from '../contracts/consistent-view.ts'
import type { KeyRange } from '../contracts/key-range.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** Records of one side of a comparison. Gives the same lines in the same order each time it is opened. */
export interface RecordSource {
  /** Pieces of whole lines. */
  open(options?: AbortableOptions): AsyncIterable<Uint8Array>
}

/** Of ranges of a snapshot. `onRead` is told of each range when it is opened. */
export function archivedRecords<R extends LayeredRange>(chunks: ChunkStore, ranges: readonly R[], onRead?: (range: R) => void): RecordSource {
  return {
    async *open(options) {
      for (const range of ranges) {
        onRead?.(range)
        yield* readRange(chunks, range, options)
      }
    },
  }
}

/** Of a range of a live entity, as its view sees it. */
export function liveRecords(view: ConsistentView, entity: string, range: KeyRange, onRead?: (rows: number) => void): RecordSource {
  return {
    async *open(options = {}) {
      for await (const { bytes, rows, release } of view.read(entity, range, options)) {
        onRead?.(rows)
        yield bytes
        release?.()
      }
    },
  }
}
