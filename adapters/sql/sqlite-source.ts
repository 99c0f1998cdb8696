import { HoldfastError } from '../../src/kernel/errors.ts'
import type { SqliteDatabase, SqliteDriver } from './sqlite/driver.ts'

/** How a store gets at the database that an ORM has open. */
export interface SqliteSource {
  /** The class of the ORM's handle, so that a second connection is made by the same build of SQLite. */
  readonly driver: SqliteDriver
  /** Absolute path of the file; `:memory:` when there is none. */
  readonly path: string
  /** The ORM's own handle. An in-memory database lives in no other. */
  readonly ormDatabase: SqliteDatabase
}

/**
 * Asks the handle itself which file it has open: options may hold a relative path, a URI or a function's result.
 *
 * @throws `E_DIALECT` when the handle is not one of better-sqlite3's shape.
 */
export function sqliteSource(handle: unknown, orm: string): SqliteSource {
  if (!isDatabase(handle)) {
    throw new HoldfastError('E_DIALECT', `The SQLite driver that ${orm} uses is not served.`, {
      hint: 'libsql and better-sqlite3 are served, and drivers of their shape.',
    })
  }
  const files = handle.prepare('PRAGMA database_list').all([]) as { readonly name: string; readonly file: string | null }[]
  const main = files.find(({ name }) => name === 'main')
  return { driver: handle.constructor as SqliteDriver, path: main?.file || ':memory:', ormDatabase: handle }
}

function isDatabase(handle: unknown): handle is SqliteDatabase {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    ['prepare', 'exec', 'close'].every((name) => typeof (handle as Record<string, unknown>)[name] === 'function')
  )
}
