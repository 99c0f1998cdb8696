import mysql from 'mysql2'
import { poolConnections } from '../../adapters/sql/mysql/connections.ts'
import { createMysqlStore } from '../../adapters/sql/mysql/store.ts'
import { hasMariadb, type MariadbServer, startMariadb } from '../support/mariadb-server.ts'
import type { ModelDatabases } from './databases.ts'
import { type ModelDatabase, type OpenTransaction, STORE } from './model-database.ts'
import { SLOTS } from './random-change.ts'
import { initialSchema, type Schema, type Value } from './schema.ts'
import { columnSql, createTableSql, mappingOf, readImage } from './table-sql.ts'

/** A lock that did not come: the statement did nothing, and its transaction goes on. */
const LOCK_WAIT_TIMEOUT = 1205
/** The connection that prepared an XA transaction is not quite gone. */
const UNKNOWN_XID = 1397
const ROLLED_BACK = 1402

/** A server of their own: with a binary log, which the transactions of other tests would move on. Null where there are no binaries. */
export async function openMysqlModel(): Promise<ModelDatabases | null> {
  if (!hasMariadb) return null
  const server = await startMariadb([
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--sync-binlog=0',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-lock-wait-timeout=0',
    '--transaction-isolation=READ-COMMITTED',
    '--character-set-server=utf8mb4',
  ])
  let transactions = 0
  return { create: () => createMysqlModel(server, () => ++transactions), close: () => server.stop() }
}

async function createMysqlModel(server: MariadbServer, nextTransaction: () => number): Promise<ModelDatabase> {
  const { url } = server
  const schema = initialSchema('mysql')
  const live = await openDatabase(url, 'live', schema)
  const prepared = new Set<string>()
  const open = new Set<mysql.Connection>()

  const begin = async (): Promise<OpenTransaction> => {
    const connection = mysql.createConnection({ uri: withDatabase(url, 'live') })
    open.add(connection)
    connection.on('error', () => {}) // of a server that the history restarts
    const end = async (...sql: readonly string[]) => {
      for (const statement of sql) await query(connection, statement)
      open.delete(connection)
      await new Promise((resolve) => connection.end(resolve))
    }
    const number = nextTransaction()
    const run = (sql: string) => unlessLocked(() => query(connection, sql))
    if (number % 3 > 0) {
      await query(connection, 'BEGIN')
      return { run, commit: () => end('COMMIT'), rollback: () => end('ROLLBACK') }
    }
    const id = `'x${number}'`
    await query(connection, `XA START ${id}`)
    return {
      run,
      commit: () => end(`XA END ${id}`, `XA COMMIT ${id} ONE PHASE`),
      rollback: () => end(`XA END ${id}`, `XA ROLLBACK ${id}`),
      async prepare() {
        await end(`XA END ${id}`, `XA PREPARE ${id}`)
        prepared.add(id)
        return { commit: () => endPrepared('COMMIT', id), rollback: () => endPrepared('ROLLBACK', id) }
      },
    }
  }

  async function endPrepared(how: 'COMMIT' | 'ROLLBACK', id: string): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      try {
        await live.query(`XA ${how} ${id}`)
        prepared.delete(id)
        return true
      } catch (error) {
        // One that wrote nothing is given up with its connection, or forgotten. Had it been committed all the same, the model would soon differ.
        if (errorNumber(error) === ROLLED_BACK) return false
        if (errorNumber(error) !== UNKNOWN_XID) throw error
        if (tries === 30) return false
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }

  return {
    schema,
    openTransactions: SLOTS - 1,
    writesBeside: true,
    canRestore: true,
    store: (current) => live.store(current),
    run: (sql) => unlessLocked(() => live.query(sql)),
    begin,
    read: (current) => live.read(current),
    columnSql,
    oddStep: () => null,
    maintenance(rng, { tables }) {
      const { name } = rng.pick(tables)
      return rng.pick([`OPTIMIZE TABLE ${name}`, `ANALYZE TABLE ${name}`, `ALTER TABLE ${name} FORCE`, 'FLUSH BINARY LOGS', 'RESET MASTER'])
    },
    // TRUNCATE refuses tables that others refer to, however empty those are.
    truncate: (tables) => tables.map((table) => (['parent', 'tag'].includes(table) ? `DELETE FROM ${table}` : `TRUNCATE TABLE ${table}`)),
    breakViews: () => live.breakViews(),
    crash: () => server.restart(),
    async emptyCopy(current) {
      const copy = await openDatabase(url, 'copy', current)
      return { store: copy.store(current), read: () => copy.read(current), close: () => copy.close() }
    },
    async drop() {
      // A history that failed may leave them behind.
      for (const connection of open) connection.destroy()
      for (const id of prepared) await endPrepared('ROLLBACK', id)
      await live.close()
    },
  }
}

/** Makes the database anew. */
async function openDatabase(url: string, name: string, schema: Schema) {
  const server = mysql.createConnection({ uri: url })
  await query(server, `DROP DATABASE IF EXISTS ${name}`)
  await query(server, `CREATE DATABASE ${name}`)
  server.destroy()
  const app = mysql.createPool({ uri: withDatabase(url, name), connectionLimit: 1 })
  for (const table of schema.tables) await query(app, createTableSql(schema, table))
  const views = mysql.createPool({ uri: withDatabase(url, name), connectionLimit: 4 })
  const ids = new Set<number>()
  views.on('connection', (connection) => ids.add(connection.threadId))
  return {
    query: async (sql: string): Promise<void> => void (await query(app, sql)),
    store: (current: Schema) => createMysqlStore({ name: STORE, orm: 'model', mapping: mappingOf(current), connections: poolConnections(views) }),
    read: (current: Schema) =>
      readImage(
        current,
        ({ name: column }) => `CAST(${column} AS CHAR)`,
        (sql) => query(app, sql) as Promise<Value[][]>,
      ),
    async breakViews() {
      const running = (await query(app, 'SELECT id FROM information_schema.processlist')) as number[][]
      for (const [id] of running) if (ids.has(Number(id))) await query(app, `KILL ${id}`)
    },
    async close() {
      await new Promise((resolve) => views.end(resolve))
      await new Promise((resolve) => app.end(resolve))
    },
  }
}

function query(over: mysql.Connection | mysql.Pool, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    over.query({ sql, rowsAsArray: true }, (error: unknown, rows: unknown) => (error ? reject(error as Error) : resolve(rows)))
  })
}

async function unlessLocked(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (errorNumber(error) !== LOCK_WAIT_TIMEOUT) throw error
    return false
  }
}

const errorNumber = (error: unknown): number | undefined => (error as { errno?: number }).errno

function withDatabase(url: string, name: string): string {
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}
