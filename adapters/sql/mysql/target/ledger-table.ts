import { parseLedger, type StagedLedger } from '../../staged-ledger.ts'
import { quoteLiteral } from '../quote.ts'
import type { TargetStatements } from './target-session.ts'

/** Where the ledger of one staging table stands: definitions of tables commit, so it is a row of a table beside it, written in the transaction that loads records. */
export interface LedgerPlace {
  /** The table of ledgers of the restore that made the staging table, quoted, with its database. */
  readonly ledgers: string
  /** The number of the staging table. */
  readonly number: number
}

/** DDL: outside of transactions. */
export async function createLedgers(statements: TargetStatements, ledgers: string): Promise<void> {
  await statements.rows(
    'creating a staging table',
    `CREATE TABLE IF NOT EXISTS ${ledgers} (number INT UNSIGNED NOT NULL PRIMARY KEY, ledger VARCHAR(1000) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL) ENGINE=InnoDB
     COMMENT='Holdfast: what its staging tables hold'`,
  )
}

export async function noteLedger(statements: TargetStatements, { ledgers, number }: LedgerPlace, ledger: StagedLedger): Promise<void> {
  const text = quoteLiteral(JSON.stringify(ledger))
  await statements.run('noting what is staged', `INSERT INTO ${ledgers} (number, ledger) VALUES (${number}, ${text}) ON DUPLICATE KEY UPDATE ledger = ${text}`)
}

/** Nobody goes on with that table any more. */
export async function forgetLedger(statements: TargetStatements, { ledgers, number }: LedgerPlace): Promise<void> {
  await statements.run('noting what is staged', `DELETE FROM ${ledgers} WHERE number = ${number}`)
}

/** By the numbers of their tables. */
export async function readLedgers(statements: TargetStatements, ledgers: string): Promise<ReadonlyMap<number, StagedLedger>> {
  const rows = await statements.rows('reading what is staged', `SELECT number, ledger FROM ${ledgers}`)
  return new Map(
    rows.flatMap(({ number, ledger }) => {
      const parsed = parseLedger(ledger ?? '')
      return parsed ? [[Number(number), parsed] as const] : []
    }),
  )
}
