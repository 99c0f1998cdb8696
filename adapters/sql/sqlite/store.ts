import type { StoreMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { EntityStore } from '../../../src/contracts/entity-store.ts'
import { throwIfAborted } from '../../../src/kernel/abort.ts'
import { describeEntities } from './catalog.ts'
import { openConnection } from './connection.ts'
import { databaseError } from './database-error.ts'
import type { SqliteDatabase, SqliteDriver } from './driver.ts'
import type { MigrationTable } from './migrations.ts'
import { openSqliteTarget } from './target/restore-target.ts'
import { openSqliteView } from './view.ts'
import { isMemory, ormConnection } from './view-source.ts'
import { whenFree } from './when-free.ts'

export interface SqliteStoreOptions {
  readonly name: string
  /** ORM and version: `typeorm 1.1.1`. */
  readonly orm: string
  readonly mapping: StoreMapping
  /** The class of the ORM's own connection, from the very module that the ORM has loaded (`driver.ts` says what happens otherwise). */
  readonly driver: SqliteDriver
  /** Absolute path of the database file, or `:memory:`. */
  readonly path: string
  /** The ORM's own connection. Needed for a database in memory, which lives in no other; not used for a file. */
  readonly ormDatabase?: SqliteDatabase
  readonly migrations?: MigrationTable
}

/**
 * The entity store of a SQLite database. Files are opened by a connection of the store's own, for as long as a view or a restore is open.
 *
 * Its methods throw, beside what the port says: `E_CAPABILITY` for a driver or an SQLite that is too old, a UTF-16 database, a collation that only the ORM's
 * connection knows, and a database in memory without `ormDatabase`; `E_STORE_FAILED` (retryable) when others hold the database for longer than five seconds.
 */
export function createSqliteStore(options: SqliteStoreOptions): EntityStore {
  const { name, orm, mapping, driver, path, ormDatabase, migrations } = options
  const location = { driver, path, ...(ormDatabase ? { ormDatabase } : {}) }
  return {
    name,
    orm,
    mapping,
    dialect: 'sqlite',
    async describe(selection, { signal } = {}) {
      throwIfAborted(signal)
      const connection = isMemory(path) ? ormConnection(location) : await openConnection(driver, path, { signal })
      try {
        const entities = await whenFree(() => describeEntities(connection, { store: name, mapping, selection }), { signal })
        return entities.map(({ descriptor }) => descriptor)
      } catch (error) {
        throw databaseError(error, `reading the schema of ${path}`)
      } finally {
        connection.close()
      }
    },
    openView: (view) => openSqliteView({ ...view, store: name, mapping, location, migrations }),
    openTarget: (target) => openSqliteTarget({ ...target, store: name, mapping, location }),
  }
}
