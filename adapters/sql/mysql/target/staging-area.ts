import { createHash } from 'node:crypto'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { quoteLiteral, quoteTable } from '../quote.ts'
import { releaseRestoreLock, takeRestoreLock } from './restore-lock.ts'
import type { TargetSession, TargetStatements } from './target-session.ts'

/** The tables of one restore, in the database of the connection: `holdfast_<24 hex>_<n>`. */
export interface StagingArea {
  /** A new name for a table of this restore, quoted, with its database. Create it outside of a transaction: DDL commits. */
  name(): string
  /** Drops the tables of this restore and gives its lock back. */
  clear(): Promise<void>
}

const OWNER = /^holdfast_([0-9a-f]{24})_[0-9]+$/

/**
 * Claims the staging area of one restore, and drops what restores that live no more have left: those whose lock is free.
 *
 * @throws `E_SESSION_FENCED` when a restore of that id runs on another connection.
 */
export async function openStagingArea(session: TargetSession, restoreId: string): Promise<StagingArea> {
  const { database } = session.server
  const owner = createHash('sha256').update(`${database}\0${restoreId}`).digest('hex').slice(0, 24)
  await session.statements(async (statements) => {
    if (!(await takeRestoreLock(statements, owner)))
      throw new HoldfastError('E_SESSION_FENCED', `restore ${restoreId} runs on another connection of this database`)
    await sweep(statements, database, owner)
  })
  let made = 0
  return {
    name: () => quoteTable(database, `holdfast_${owner}_${++made}`),
    clear: () =>
      session.statements(async (statements) => {
        await dropTables(statements, database, owner)
        await releaseRestoreLock(statements, owner)
      }),
  }
}

/** Tables of a former process under this same id go too: its lock was free. Others are kept from coming back to life while their tables are dropped. */
async function sweep(statements: TargetStatements, database: string, own: string): Promise<void> {
  const owners = new Set((await stagingTables(statements, database)).map(ownerOf))
  for (const owner of owners) {
    if (owner !== own && !(await takeRestoreLock(statements, owner))) continue
    await dropTables(statements, database, owner)
    if (owner !== own) await releaseRestoreLock(statements, owner)
  }
}

const ownerOf = (table: string): string => OWNER.exec(table)![1]!

async function stagingTables(statements: TargetStatements, database: string): Promise<readonly string[]> {
  const rows = await statements.rows(
    'listing the staging tables',
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteLiteral(database)} AND TABLE_NAME LIKE 'holdfast|_%' ESCAPE '|' ORDER BY TABLE_NAME`,
  )
  return rows.flatMap(({ name }) => (name && OWNER.test(name) ? [name] : []))
}

async function dropTables(statements: TargetStatements, database: string, owner: string): Promise<void> {
  const tables = (await stagingTables(statements, database)).filter((table) => ownerOf(table) === owner).map((table) => quoteTable(database, table))
  if (tables.length > 0) await statements.rows('dropping staging tables', `DROP TABLE IF EXISTS ${tables.join(', ')}`)
}
