import libsql from 'libsql'
import mysql from 'mysql2'
import pg from 'pg'
import { fsStorage } from '../../adapters/fs/index.ts'
import { createMysqlStore } from '../../adapters/sql/mysql/store.ts'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { BackupEntity, definePlan } from '../../src/plan/index.ts'
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import type { LiveDatabase } from './end-to-end/live-database.ts'
import { endPool, mysqlPool } from './mysql-lane.ts'
import { mappingOf, table, testPool } from './postgres-lane.ts'
import { libsql as driver } from './sqlite.ts'
import { createSqliteStore } from '../../adapters/sql/sqlite/store.ts'

export const ACCOUNTS = 8000
/** Accounts 1 to here are deleted with their cards; as many at the other end lose their note. Writers move money between all others. */
export const DAMAGED = 300

/** What the whole ledger looks like at one moment. */
export interface LedgerState {
  /** Accounts, cards and notes that the damage took. */
  readonly lost: { readonly accounts: number; readonly cards: number; readonly notes: number }
  /** Balances that do not add up: part of a merge, seen under running writers. */
  readonly astray: number
}

export const DAMAGE = { accounts: DAMAGED, cards: DAMAGED, notes: DAMAGED }
export const WHOLE = { accounts: 0, cards: 0, notes: 0 }

/** Accounts with cards that refer to them, and a trigger that writes: what a restore has to keep whole and put back. MariaDB, where none can be switched off, has no trigger. */
export async function createLedger(database: LiveDatabase): Promise<void> {
  const trigger = {
    postgres: `CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO changes (no) VALUES (NEW.no); RETURN NULL; END $$;
         CREATE TRIGGER changed AFTER UPDATE OF balance ON account FOR EACH ROW EXECUTE FUNCTION note_change()`,
    sqlite: `CREATE TRIGGER changed AFTER UPDATE OF balance ON account BEGIN INSERT INTO changes (no) VALUES (NEW.no); END`,
    mysql: 'DO 1',
  }[database.dialect]
  const series = `WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${ACCOUNTS})`
  await database.carelessly(
    ...(database.dialect === 'mysql' ? ['SET SESSION max_recursive_iterations = 100000'] : []),
    'CREATE TABLE account (no int PRIMARY KEY, balance bigint NOT NULL, note text)',
    'CREATE TABLE card (id int PRIMARY KEY, account int NOT NULL REFERENCES account (no))',
    'CREATE TABLE changes (no int)',
    'CREATE INDEX card_account ON card (account)',
    `INSERT INTO account ${series} SELECT i, 100, 'account number ' || i FROM s`,
    `INSERT INTO card ${series} SELECT i, i FROM s`,
    trigger,
  )
}

export async function damageLedger(database: LiveDatabase): Promise<void> {
  await database.carelessly(
    `DELETE FROM card WHERE account <= ${DAMAGED}`,
    `DELETE FROM account WHERE no <= ${DAMAGED}`,
    `UPDATE account SET note = NULL WHERE no > ${ACCOUNTS - DAMAGED}`,
  )
}

const STATE = `SELECT ${DAMAGED} - count(CASE WHEN no <= ${DAMAGED} THEN 1 END) AS accounts,
  ${ACCOUNTS} - (SELECT count(*) FROM card) AS cards, count(CASE WHEN note IS NULL THEN 1 END) AS notes, sum(balance) - 100 * count(*) AS astray FROM account`

/** The application's own connection to the ledger: looks, and moves money. */
export interface LedgerClient {
  state(): Promise<LedgerState>
  /** Moves money until told to stop; resolves with the number of transfers. */
  startTransfers(): { stop(): Promise<number> }
  close(): Promise<void>
}

export function openLedger(dialect: ChinookDialect, location: string): LedgerClient {
  const run = { postgres: postgresRunner, sqlite: sqliteRunner, mysql: mysqlRunner }[dialect](location)
  return {
    async state() {
      const { accounts, cards, notes, astray } = await run.one(STATE)
      return { lost: { accounts: Number(accounts), cards: Number(cards), notes: Number(notes) }, astray: Number(astray) }
    },
    startTransfers() {
      const stopping = new AbortController()
      const someone = () => DAMAGED + 1 + Math.floor(Math.random() * (ACCOUNTS - 2 * DAMAGED))
      const writing = (async () => {
        let done = 0
        while (!stopping.signal.aborted) {
          const [from, to] = [someone(), someone()]
          if (from !== to && (await run.write(`UPDATE account SET balance = balance + CASE WHEN no = ${to} THEN 1 ELSE -1 END WHERE no IN (${from}, ${to})`)))
            done++
          await new Promise((resolve) => setTimeout(resolve, 3))
        }
        return done
      })()
      return {
        stop() {
          stopping.abort()
          return writing
        },
      }
    },
    close: run.close,
  }
}

interface Runner {
  one(sql: string): Promise<Record<string, unknown>>
  /** False when the database was busy. */
  write(sql: string): Promise<boolean>
  close(): Promise<void>
}

function postgresRunner(url: string): Runner {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  return {
    one: async (sql) => (await pool.query(sql)).rows[0],
    write: async (sql) => (await pool.query(sql)).rowCount === 2,
    close: () => pool.end(),
  }
}

function mysqlRunner(url: string): Runner {
  const pool = mysql.createPool({ uri: url, connectionLimit: 2 }).promise()
  return {
    one: async (sql) => ((await pool.query(sql)) as unknown as [Record<string, unknown>[]])[0][0]!,
    write: async (sql) => ((await pool.query(sql)) as unknown as [{ affectedRows: number }])[0].affectedRows === 2,
    close: () => pool.end(),
  }
}

/** A connection that never waits: it shares the thread with whoever times the kills. */
function sqliteRunner(path: string): Runner {
  const database = new libsql(path)
  database.exec('PRAGMA busy_timeout = 0')
  /** All in one go, so that nobody else on this thread meets an open transaction. Null when the database was busy. */
  const unlessBusy = <T>(work: () => T): T | null => {
    try {
      return work()
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK')
      if (!/locked|busy/i.test(String(error))) throw error
      return null
    }
  }
  return {
    async one(sql) {
      for (;;) {
        // Not `get()`: it leaves the statement open, and its lock with it.
        const row = unlessBusy(() => database.prepare(sql).all()[0] as Record<string, unknown>)
        if (row) return row
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async write(sql) {
      // A script: a single statement that fails stays open in libsql, and its lock with it.
      return unlessBusy(() => database.exec(`BEGIN IMMEDIATE; ${sql}; COMMIT`)) !== null
    },
    close: async () => void database.close(),
  }
}

/** Holdfast over the ledger, on a folder. */
export async function ledgerHoldfast(
  dialect: ChinookDialect,
  location: string,
  root: string,
): Promise<{ readonly holdfast: Holdfast; close(): Promise<void> }> {
  const { store, close } = ledgerStore(dialect, location)
  const plan = definePlan({
    id: 'ledger',
    description: 'Accounts and cards',
    entities: [BackupEntity.for('account'), BackupEntity.for('card')],
    policy: { chunkBytes: 64 * 1024 },
  })
  const holdfast = await createHoldfast({ stores: [store], storage: fsStorage({ root }), plans: [plan] })
  return {
    holdfast,
    async close() {
      await holdfast.close()
      await close()
    },
  }
}

function ledgerStore(dialect: ChinookDialect, location: string): { readonly store: EntityStore; close(): Promise<void> } {
  const mapping = mappingOf(
    table('account', 'no balance note'),
    table('card', 'id account', { references: [{ entity: 'account', fields: ['account'], table: 'account', columns: ['no'] }] }),
  )
  if (dialect === 'sqlite') return { store: createSqliteStore({ name: 'default', orm: 'ledger', driver, path: location, mapping }), close: async () => {} }
  if (dialect === 'mysql') {
    const { pool, connections } = mysqlPool(location, 4)
    return { store: createMysqlStore({ name: 'default', orm: 'ledger', mapping, connections }), close: () => endPool(pool) }
  }
  const { pool, connections } = testPool(location, 4)
  return { store: createPostgresStore({ name: 'default', orm: 'ledger', mapping, connections }), close: () => pool.end() }
}
