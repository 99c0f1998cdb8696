import { statSync } from 'node:fs'
import type { AbortableOptions } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { StoredValue } from '../../../src/record/stored-value.ts'
import { databaseError } from './database-error.ts'
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from './driver.ts'
import { whenFree } from './when-free.ts'

export type StoredRow = readonly StoredValue[]

/** `octet_length` came with 3.43; everything else used here is older. */
const OLDEST = [3, 43, 0] as const
const MAX_STATEMENTS = 256

/**
 * One connection, with values as they are stored: INTEGER is `bigint`, REAL is `number`, and no TEXT is read as a string that was not looked at first
 * (`row-pages.ts` says why). Statements are run to their end at once, so that none is ever left open: libsql cannot close one early.
 */
export interface SqliteConnection {
  /** Opened by the lane, so its settings may be changed; not the ORM's. */
  readonly own: boolean
  readonly database: SqliteDatabase
  readonly version: string
  /** Some drivers bind a JavaScript number without fraction as INTEGER. REAL must then be cast. */
  readonly bindsWholeNumbersAsInteger: boolean
  rows(sql: string, parameters?: readonly StoredValue[]): StoredRow[]
  /** First value of the first row; undefined when there is none. */
  value(sql: string, parameters?: readonly StoredValue[]): StoredValue | undefined
  /** The same, for integers that fit in a JavaScript number. */
  count(sql: string, parameters?: readonly StoredValue[]): number
  /** Runs a writing statement; the number of rows it changed. */
  run(sql: string, parameters?: readonly StoredValue[]): number
  exec(sql: string): void
  /**
   * Rolls back and closes. libsql keeps the file open until its statements are garbage collected; no transaction is left open, so this holds up nobody but
   * who wants the file for himself.
   */
  close(): void
}

/** Opens a connection of the lane's own to a database file that exists, as soon as nobody has locked it for himself alone. */
export async function openConnection(driver: SqliteDriver, path: string, options: AbortableOptions = {}): Promise<SqliteConnection> {
  let database: SqliteDatabase
  try {
    statSync(path) // SQLite would make a new, empty database
    database = new driver(path)
  } catch (error) {
    throw databaseError(error, `opening ${path}`)
  }
  try {
    // Waiting is done by timers (`when-free.ts`), because a driver that waits inside SQLite stops the whole process.
    database.exec('PRAGMA busy_timeout = 0')
    return await whenFree(() => wrapConnection(database, true), options)
  } catch (error) {
    database.close()
    throw databaseError(error, `opening ${path}`)
  }
}

/** A connection that belongs to the ORM. Its settings are left as they are. */
export function borrowConnection(database: SqliteDatabase): SqliteConnection {
  return wrapConnection(database, false)
}

function wrapConnection(database: SqliteDatabase, own: boolean): SqliteConnection {
  const readers = new Map<string, SqliteStatement>()
  const writers = new Map<string, SqliteStatement>()

  const prepared = (cache: Map<string, SqliteStatement>, sql: string, make: () => SqliteStatement): SqliteStatement => {
    const known = cache.get(sql)
    if (known) return known
    if (cache.size >= MAX_STATEMENTS) cache.clear()
    const statement = make()
    cache.set(sql, statement)
    return statement
  }
  const rows = (sql: string, parameters: readonly StoredValue[] = []): StoredRow[] =>
    prepared(readers, sql, () => database.prepare(sql).raw(true).safeIntegers(true)).all(parameters) as StoredRow[]
  const value = (sql: string, parameters: readonly StoredValue[] = []) => rows(sql, parameters)[0]?.[0]
  const count = (sql: string, parameters: readonly StoredValue[] = []) => Number(value(sql, parameters) ?? 0)

  const { version, bindsWholeNumbersAsInteger } = probe(database, rows)
  return {
    own,
    database,
    version,
    bindsWholeNumbersAsInteger,
    rows,
    value,
    count,
    run(sql, parameters = []) {
      prepared(writers, sql, () => database.prepare(sql)).run(parameters)
      return count('SELECT changes()')
    },
    exec: (sql) => void database.exec(sql),
    close() {
      readers.clear()
      writers.clear()
      if (!own) return
      try {
        if (database.inTransaction) database.exec('ROLLBACK')
      } finally {
        database.close()
      }
    },
  }
}

/** Does the driver hand out values as stored? A driver that does not would make a backup that looks right and is not. */
function probe(database: SqliteDatabase, rows: SqliteConnection['rows']): Pick<SqliteConnection, 'version' | 'bindsWholeNumbersAsInteger'> {
  const [[version, integer, real, text, blob, bound] = []] = rows(`SELECT sqlite_version(), 1, 1.0, 'a', x'00', typeof(?)`, [1])
  if (typeof version !== 'string' || typeof integer !== 'bigint' || typeof real !== 'number' || typeof text !== 'string' || !(blob instanceof Uint8Array)) {
    throw unserved('the driver does not return values by storage class', 'better-sqlite3 and libsql are served.')
  }
  const parts = version.split('.').map(Number)
  const older = OLDEST.findIndex((least, at) => parts[at] !== least)
  if (older !== -1 && parts[older]! < OLDEST[older]!) throw unserved(`SQLite ${version} is older than ${OLDEST.join('.')}`, 'Update the driver.')
  const encoding = database.prepare('PRAGMA encoding').raw(true).all([]) as [[string]]
  if (encoding[0][0] !== 'UTF-8') throw unserved(`the database keeps its text in ${encoding[0][0]}`, 'Only UTF-8 databases are served.')
  return { version, bindsWholeNumbersAsInteger: bound === 'integer' }
}

function unserved(message: string, hint: string): HoldfastError {
  return new HoldfastError('E_CAPABILITY', message, { hint })
}
