import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { StoredRow, SqliteConnection } from '../connection.ts'
import { quoteName } from '../quote.ts'

/** A trigger that was taken away for the length of a transaction. */
export interface SilencedTrigger {
  readonly name: string
  readonly table: string
  readonly sql: string
}

/**
 * SQLite cannot switch triggers off, but its DDL is transactional: they are dropped, and made again from the same text before the commit. A rollback, or the
 * rollback of a killed process, brings them back by itself.
 */
export function dropTriggers(connection: SqliteConnection, tables: readonly string[]): readonly SilencedTrigger[] {
  const triggers = tables.flatMap((table) => readTriggers(connection, table))
  for (const { name } of triggers) connection.exec(`DROP TRIGGER main.${quoteName(name)}`)
  return triggers
}

/** @throws `E_STORE_FAILED` when a trigger is not, letter for letter, what it was. The transaction must then be rolled back. */
export function recreateTriggers(connection: SqliteConnection, triggers: readonly SilencedTrigger[]): void {
  for (const { sql } of triggers) connection.exec(sql)
  for (const trigger of triggers) {
    const found = readTriggers(connection, trigger.table).find(({ name }) => name === trigger.name)
    if (found?.sql !== trigger.sql) throw new HoldfastError('E_STORE_FAILED', `trigger "${trigger.name}" did not come back as it was; nothing was written`)
  }
}

function readTriggers(connection: SqliteConnection, table: string): SilencedTrigger[] {
  return connection
    .rows(`SELECT name, tbl_name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE ORDER BY rowid`, [table])
    .map(([name, on, sql]: StoredRow) => ({ name: name as string, table: on as string, sql: sql as string }))
}
