import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { FittedItem } from './fit-record.ts'
import { loadLines } from './load-lines.ts'
import { rejected } from './refuse-merge.ts'
import type { RowChannel } from './row-channel.ts'
import { problemOf } from './stage-records.ts'
import type { TargetStatements } from './target-session.ts'

export interface LoadDirectOptions extends AbortableOptions {
  readonly onProgress: (rows: number) => void
}

/** @throws `E_RESTORE_MOVED` for a table that has got rows since it was found empty. In a serializable transaction it stays empty for others then. */
export async function assertStillEmpty(statements: TargetStatements, { live, item }: FittedItem): Promise<void> {
  const [row] = await statements.rows('looking whether the table is empty', `SELECT 1 AS one FROM ${live.table} LIMIT 1`)
  if (row) throw new HoldfastError('E_RESTORE_MOVED', `${live.table} was empty, and has rows now`, { details: { entity: item.entity } })
}

/** Loads the records straight into the empty table; what is written is the transaction's. */
export async function loadDirect(statements: TargetStatements, channel: RowChannel, fitted: FittedItem, options: LoadDirectOptions): Promise<number> {
  const columns = fitted.fields.flatMap(({ live, written }, place) => (written ? [{ column: live, place }] : []))
  const destination = { table: fitted.live.table, columns, numbered: false }
  const { rows, refused } = await loadLines(statements, channel, fitted, destination, { ...options, requireValues: true })
  if (refused) throw rejected([await problemOf(fitted, refused, options)], 1)
  assertAllLines(fitted, rows)
  return rows
}

/** @throws `E_ARCHIVE_CORRUPT` when the source held another number of records than it announced. */
function assertAllLines({ item }: FittedItem, rows: number): void {
  if (rows === item.lines.rows) return
  throw new HoldfastError('E_ARCHIVE_CORRUPT', `${item.entity} has ${rows} records where ${item.lines.rows} were announced`, {
    details: { entity: item.entity, rows, announced: item.lines.rows },
  })
}
