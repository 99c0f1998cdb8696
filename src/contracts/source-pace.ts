import type { AbortableOptions } from '../kernel/abort.ts'
import type { RecordBatch } from './record-batch.ts'

/** Holds the reading of one database back. Whoever opens a view brings it; the view asks it wherever rows are read out, also to compare them. */
export interface SourcePace {
  /** Resolves when more may be read. Rejects with `E_ABORTED`, and with what ends a run that waits for too long. */
  ready(options?: AbortableOptions): Promise<void>
  /** So much was read. */
  spent(rows: number, bytes: number): void
}

/** The batches, each asked for when the pace allows it. Without a pace the batches themselves. */
export function paced(batches: AsyncIterable<RecordBatch>, pace: SourcePace | undefined, options: AbortableOptions = {}): AsyncIterable<RecordBatch> {
  return pace ? heldBack(batches, pace, options) : batches
}

async function* heldBack(batches: AsyncIterable<RecordBatch>, pace: SourcePace, options: AbortableOptions): AsyncGenerator<RecordBatch, void, undefined> {
  await pace.ready(options)
  for await (const batch of batches) {
    pace.spent(batch.rows, batch.bytes.length)
    yield batch
    await pace.ready(options)
  }
}
