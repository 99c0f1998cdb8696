import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type AbortableOptions } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { borrowConnection, openConnection, type SqliteConnection } from './connection.ts'
import type { SqliteDatabase, SqliteDriver } from './driver.ts'
import { quoteText } from './quote.ts'
import { makeMemoryFolder, removeScratchFile, scratchPath, sweepScratchFiles } from './scratch-file.ts'
import { whenFree } from './when-free.ts'

/** Where the database is. */
export interface SqliteLocation {
  readonly driver: SqliteDriver
  /** Absolute path of the file, or `:memory:`. */
  readonly path: string
  /** The ORM's own handle: the only way to a database in memory. */
  readonly ormDatabase?: SqliteDatabase
}

/** A connection with an open read transaction: what it sees no longer changes. */
export interface ViewSource {
  readonly connection: SqliteConnection
  readonly method: 'wal-read' | 'copy'
  close(): void
}

export function isMemory(path: string): boolean {
  return path === '' || path.startsWith(':memory:') || /^file:.*(:memory:|mode=memory)/.test(path)
}

/**
 * In WAL mode a reader sees its snapshot and is in nobody's way, however long it takes (the log grows meanwhile, because it cannot be checkpointed past the reader).
 * In a rollback-journal mode a reader keeps every writer from committing, so the database is copied first, and the copy is read: writers wait
 * only while `VACUUM INTO` runs. A database in memory lives in the ORM's connection, and is copied through it, so that what the application does meanwhile is not seen.
 */
export async function openViewSource(location: SqliteLocation, options: AbortableOptions): Promise<ViewSource> {
  const { driver, path } = location
  if (isMemory(path)) return copyOfMemory(location, options)
  sweepScratchFiles(driver, path)
  const connection = await openConnection(driver, path, options)
  try {
    if ((await whenFree(() => connection.value('PRAGMA main.journal_mode'), options)) === 'wal') {
      await begin(connection, options)
      return { connection, method: 'wal-read', close: () => connection.close() }
    }
    const copy = scratchPath(path, randomBytes(6).toString('hex'), 'copy')
    return await copyInto(connection, driver, copy, () => removeScratchFile(copy), options)
  } catch (error) {
    connection.close()
    throw error
  }
}

function requireOrmDatabase({ ormDatabase }: SqliteLocation): SqliteDatabase {
  if (ormDatabase) return ormDatabase
  throw new HoldfastError(
    'E_CAPABILITY',
    'a database in memory can only be reached through the connection that holds it, and the ORM adapter has not handed it over',
    {
      hint: 'Use a database file.',
    },
  )
}

/** The ORM's connection, for a database in memory. */
export function ormConnection(location: SqliteLocation): SqliteConnection {
  return borrowConnection(requireOrmDatabase(location))
}

async function copyOfMemory(location: SqliteLocation, options: AbortableOptions): Promise<ViewSource> {
  const connection = ormConnection(location)
  const folder = makeMemoryFolder(location.driver)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    return await copyInto(connection, location.driver, join(folder, 'memory.copy'), remove, options)
  } catch (error) {
    remove()
    throw error
  }
}

async function copyInto(source: SqliteConnection, driver: SqliteDriver, copy: string, remove: () => void, options: AbortableOptions): Promise<ViewSource> {
  try {
    const vacuum = () => source.exec(`VACUUM main INTO ${quoteText(copy)}`)
    await (source.own ? whenFree(vacuum, options) : outsideTransaction(source, vacuum, options))
    source.close()
    const connection = await openConnection(driver, copy, options)
    const close = () => {
      connection.close()
      remove()
    }
    try {
      await begin(connection, options)
      return { connection, method: 'copy', close }
    } catch (error) {
      close()
      throw error
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** `BEGIN` alone fixes nothing: the first read does. */
async function begin(connection: SqliteConnection, options: AbortableOptions): Promise<void> {
  connection.exec('PRAGMA query_only = ON')
  connection.exec('BEGIN')
  await whenFree(() => connection.count('SELECT count(*) FROM main.sqlite_schema'), options)
}

/**
 * Does synchronous work on the ORM's connection at a moment when the application has no transaction open there: what it wrote in one is not committed yet, and may
 * never be. The look and the work are one step. Were anything awaited in between, a transaction could begin, and be taken for ours.
 */
export async function outsideTransaction<T>(connection: SqliteConnection, work: () => T, options: AbortableOptions): Promise<T> {
  const outcome = await whenFree(() => {
    if (connection.database.inTransaction)
      throw Object.assign(new Error('the application has a transaction open on the connection of the database in memory'), { code: 'SQLITE_BUSY' })
    // Only the look is repeated: work that failed is not begun a second time.
    try {
      return { done: work() }
    } catch (error) {
      return { error }
    }
  }, options)
  if ('error' in outcome) throw outcome.error
  return outcome.done
}
