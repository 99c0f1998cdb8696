import { createHash } from 'node:crypto'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { ownerOf, type StagedLedger, takeFullest } from '../../staged-ledger.ts'
import { quoteLiteral, quoteTable } from '../quote.ts'
import { createLedgers, type LedgerPlace, readLedgers } from './ledger-table.ts'
import { releaseRestoreLock, takeRestoreLock } from './restore-lock.ts'
import type { TargetSession, TargetStatements } from './target-session.ts'

/** The tables of one restore, in the database of the connection: `holdfast_<24 hex>_<n>`; that of number 0 holds the ledgers of the others. */
export interface StagingArea {
  /** A new name for a table of this restore, quoted, with its database. Create it outside of a transaction: DDL commits. */
  name(): string
  /** A name for records, whose ledger can be kept. */
  table(): StagingTable
  /** Makes the table for the ledgers of `table`, once. DDL. */
  prepareLedgers(statements: TargetStatements): Promise<void>
  /** What the restore is known by to one that does the same after it was interrupted; null where none may go on with what it stages. */
  readonly resumes: string | null
  /** A table that an interrupted restore has left, of records of that shape: the fullest one. It is of this restore now, and given once. */
  left(shape: string): LeftTable | null
  /** Drops the tables of this restore and gives its locks back. */
  clear(): Promise<void>
}

export interface StagingTable {
  /** Quoted, with its database. */
  readonly table: string
  readonly place: LedgerPlace
}

export interface LeftTable extends StagingTable {
  readonly ledger: StagedLedger
}

const NAME = /^holdfast_([0-9a-f]{24})_([0-9]+)$/

/**
 * Claims the staging area of one restore, and drops what restores that live no more have left: those whose lock is free. Of tables that this one may go on with it takes the lock over, and keeps it.
 *
 * @throws `E_SESSION_FENCED` when a restore of that id runs on another connection.
 */
export async function openStagingArea(session: TargetSession, restoreId: string, resumes: string | null = null): Promise<StagingArea> {
  const { database } = session.server
  const owner = createHash('sha256').update(`${database}\0${restoreId}`).digest('hex').slice(0, 24)
  const { left, held } = await session.statements(async (statements) => {
    if (!(await takeRestoreLock(statements, owner)))
      throw new HoldfastError('E_SESSION_FENCED', `restore ${restoreId} runs on another connection of this database`)
    return sweep(statements, database, { own: owner, resumes })
  })
  let made = 0
  let prepared = false
  const table = () => tableOf(database, owner, ++made)
  return {
    resumes,
    table,
    name: () => table().table,
    async prepareLedgers(statements) {
      if (!prepared) await createLedgers(statements, ledgersOf(database, owner))
      prepared = true
    },
    left: (shape) => takeFullest(left, shape),
    clear: () =>
      session.statements(async (statements) => {
        for (const each of [owner, ...held]) {
          await dropTables(statements, database, await stagingTables(statements, database, each))
          await releaseRestoreLock(statements, each)
        }
      }),
  }
}

interface Swept {
  readonly left: LeftTable[]
  /** Owners of those tables. Their lock is held from here on, so that nobody else sweeps them or goes on with them. */
  readonly held: readonly string[]
}

/** Tables of a former process under this same id go too: its lock was free. Others are kept from coming back to life while their tables are dropped. */
async function sweep(
  statements: TargetStatements,
  database: string,
  { own, resumes }: { readonly own: string; readonly resumes: string | null },
): Promise<Swept> {
  const left: LeftTable[] = []
  const held: string[] = []
  const owners = new Set((await stagingTables(statements, database)).map(({ owner }) => owner))
  for (const owner of owners) {
    if (owner !== own && !(await takeRestoreLock(statements, owner))) continue
    // Only now that it is ours: whoever had it may have changed them until then.
    const tables = await stagingTables(statements, database, owner)
    const stay = owner === own || resumes === null ? [] : await tablesToGoOnWith(statements, database, tables, ownerOf(resumes))
    const numbers = new Set(stay.map(({ place }) => place.number).concat(stay.length > 0 ? [LEDGERS] : []))
    await dropTables(
      statements,
      database,
      tables.filter(({ number }) => !numbers.has(number)),
    )
    left.push(...stay)
    if (stay.length > 0) held.push(owner)
    else if (owner !== own) await releaseRestoreLock(statements, owner)
  }
  return { left, held }
}

async function tablesToGoOnWith(
  statements: TargetStatements,
  database: string,
  tables: readonly NamedTable[],
  ledgerOwner: string,
): Promise<readonly LeftTable[]> {
  const [own] = tables.filter(({ number }) => number === LEDGERS)
  if (!own) return []
  const ledgers = await readLedgers(statements, ledgersOf(database, own.owner))
  return tables.flatMap(({ owner, number }) => {
    const ledger = ledgers.get(number)
    return ledger?.owner === ledgerOwner ? [{ ...tableOf(database, owner, number), ledger }] : []
  })
}

/** The number of the table that holds the ledgers. */
const LEDGERS = 0

const nameOf = (owner: string, number: number): string => `holdfast_${owner}_${number}`

const ledgersOf = (database: string, owner: string): string => quoteTable(database, nameOf(owner, LEDGERS))

const tableOf = (database: string, owner: string, number: number): StagingTable => ({
  table: quoteTable(database, nameOf(owner, number)),
  place: { ledgers: ledgersOf(database, owner), number },
})

interface NamedTable {
  readonly owner: string
  readonly number: number
}

async function stagingTables(statements: TargetStatements, database: string, of?: string): Promise<readonly NamedTable[]> {
  const rows = await statements.rows(
    'listing the staging tables',
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteLiteral(database)} AND TABLE_NAME LIKE 'holdfast|_%' ESCAPE '|' ORDER BY TABLE_NAME`,
  )
  return rows.flatMap(({ name }) => {
    const [, owner, number] = NAME.exec(name ?? '') ?? []
    return owner !== undefined && (of === undefined || owner === of) ? [{ owner, number: Number(number) }] : []
  })
}

async function dropTables(statements: TargetStatements, database: string, tables: readonly NamedTable[]): Promise<void> {
  const names = tables.map(({ owner, number }) => quoteTable(database, nameOf(owner, number)))
  if (names.length > 0) await statements.rows('dropping staging tables', `DROP TABLE IF EXISTS ${names.join(', ')}`)
}
