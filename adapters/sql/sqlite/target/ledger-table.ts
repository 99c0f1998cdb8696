import { parseLedger, type StagedLedger } from '../../staged-ledger.ts'
import type { SqliteConnection } from '../connection.ts'

/** What the staging tables of a file hold, each with the run of the operating system in which that was written: what is not synced ends with it. */
export const CREATE_LEDGERS = 'CREATE TABLE ledgers (staged TEXT PRIMARY KEY, boot TEXT NOT NULL, ledger TEXT NOT NULL)'

export function noteLedger(connection: SqliteConnection, table: string, boot: string, ledger: StagedLedger): void {
  connection.run('INSERT OR REPLACE INTO ledgers (staged, boot, ledger) VALUES (?, ?, ?)', [table, boot, JSON.stringify(ledger)])
}

export function forgetLedger(connection: SqliteConnection, table: string): void {
  connection.run('DELETE FROM ledgers WHERE staged = ?', [table])
}

/** By their tables. None where something was written in another run of the system than this one. */
export function readLedgers(connection: SqliteConnection, boot: string): Map<string, StagedLedger> {
  const ledgers = new Map<string, StagedLedger>()
  if (connection.count(`SELECT count(*) FROM sqlite_schema WHERE name = 'ledgers'`) === 0) return ledgers
  if (connection.count('SELECT count(*) FROM ledgers WHERE boot <> ?', [boot]) > 0) return ledgers
  for (const [table, text] of connection.rows('SELECT staged, ledger FROM ledgers')) {
    const ledger = parseLedger(text as string)
    if (ledger) ledgers.set(table as string, ledger)
  }
  return ledgers
}
