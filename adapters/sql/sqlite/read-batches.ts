import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import type { AbortableOptions } from '../../../src/kernel/abort.ts'
import type { SqliteEntity } from './catalog.ts'
import type { SqliteConnection } from './connection.ts'
import { databaseError } from './database-error.ts'
import { createKeyCodec } from './key-values.ts'
import { createLineEncoder } from './line-encoder.ts'
import { rowPages } from './row-pages.ts'
import { inTurns, type Slices } from './slices.ts'

export interface ReadBatchesOptions extends AbortableOptions {
  readonly references?: readonly string[]
  /** Throws when the connection must not be used any more. */
  readonly assertOpen?: () => void
}

/** The record lines of a range, in the state that the connection sees. The event loop turns between slices of a few milliseconds. */
export async function* readBatches(
  connection: SqliteConnection,
  entity: SqliteEntity,
  range: KeyRange,
  { signal, references, assertOpen = () => {} }: ReadBatchesOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const lines = createLineEncoder(entity, references)
  const pages = rowPages(connection, entity, createKeyCodec(entity).range(range))
  const fill = function* (): Slices<RecordBatch | null> {
    while (!lines.full) {
      assertOpen()
      const page = pages.next()
      if (page.done) break
      lines.add(page.value)
      yield
    }
    return lines.take()
  }
  try {
    for (let batch = await inTurns(fill(), { signal }); batch; batch = await inTurns(fill(), { signal })) yield batch
  } catch (error) {
    throw databaseError(error, `reading ${entity.descriptor.name}`)
  }
}
