import type { RecordBatch } from './record-batch.ts'

/** Tells the database's own digest of a range from the batches that were read of it, so that the database need not go through the rows a second time. */
export interface RangeDigester {
  /** The next batch, or slice of one. To be called before the batch is released, for all of the range and in order. */
  add(batch: RecordBatch): void
  /** For `KnownRange.digest`; undefined when some batch did not bring what it takes. */
  digest(): string | undefined
}
