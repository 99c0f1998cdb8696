import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { copyIn } from '../copy/index.ts'
import { quoteIdent } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import type { TargetTransaction } from './target-session.ts'

export interface LoadDirectOptions extends AbortableOptions {
  readonly onProgress: (rows: number) => void
}

/** @throws `E_RESTORE_MOVED` for a table that has got rows since it was found empty. Call it under the lock. */
export async function assertStillEmpty(tx: TargetTransaction, { live, item }: FittedItem): Promise<void> {
  const [row] = await tx.rows('looking whether the table is empty', `SELECT '1' AS one FROM ${live.table} LIMIT 1`)
  if (row) throw new HoldfastError('E_RESTORE_MOVED', `${live.table} was empty, and has rows now`, { details: { entity: item.entity } })
}

/** @throws `E_SCHEMA_DRIFT` for tables with columns that need a value the records lack. */
export function assertWhole(items: readonly FittedItem[]): void {
  const lacking = items
    .filter(({ item }) => item.lines.rows > 0)
    .flatMap(({ item, live, lacking: columns }) => columns.map(({ name }) => ({ entity: item.entity, table: live.table, column: name })))
  if (lacking.length === 0) return
  throw new HoldfastError(
    'E_SCHEMA_DRIFT',
    `required by the live tables, without default, and not in the snapshot: ${lacking.map(({ table, column }) => `${table}.${column}`).join(', ')}`,
    { details: { lacking } },
  )
}

/** Streams the records straight into the empty table. COPY writes GENERATED ALWAYS identities freely and leaves computed columns to the database. */
export async function loadDirect(tx: TargetTransaction, { live, item, fields, program }: FittedItem, options: LoadDirectOptions): Promise<number> {
  const written = fields.filter((field) => field.written)
  const sql = `COPY ${live.table} (${written.map(({ column }) => quoteIdent(column)).join(', ')}) FROM STDIN`
  const { rows, sent } = await copyIn(tx.client, sql, program, item.lines.open(options), {
    send: written.map(({ path }) => path),
    signal: options.signal,
    onProgress: options.onProgress,
  })
  if (rows !== sent)
    throw new HoldfastError('E_RESTORE_REJECTED', `${live.table} took ${rows} of ${sent} records: a trigger refused the others`, {
      details: { entity: item.entity, rows, sent },
    })
  assertAllLines({ item }, rows)
  return rows
}

/** @throws `E_ARCHIVE_CORRUPT` when the source held another number of records than it announced. */
export function assertAllLines({ item }: Pick<FittedItem, 'item'>, rows: number): void {
  if (rows === item.lines.rows) return
  throw new HoldfastError('E_ARCHIVE_CORRUPT', `${item.entity} has ${rows} records where ${item.lines.rows} were announced`, {
    details: { entity: item.entity, rows, announced: item.lines.rows },
  })
}
