import type { Dialect, EntityStore } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { deferredStore } from '../sql/deferred-store.ts'
import { mysqlPool } from '../sql/mysql-pool.ts'
import { poolConnections as mysqlConnections } from '../sql/mysql/connections.ts'
import { createMysqlStore } from '../sql/mysql/store.ts'
import { type PostgresPool, poolConnections } from '../sql/postgres/connections.ts'
import { createPostgresStore } from '../sql/postgres/store.ts'
import { createSqliteStore } from '../sql/sqlite/store.ts'
import { sqliteSource } from '../sql/sqlite-source.ts'
import type { MikroOrmInstance } from './mikro-orm-instance.ts'
import { mikroOrmMapping } from './mikro-orm-mapping.ts'
import { mikroOrmVersion } from './mikro-orm-version.ts'

export interface MikroOrmStoreOptions {
  /** Unique among the stores of the application. Default: MikroORM's `contextName`, which is `default` unless set. */
  readonly name?: string
  /** Entities that are not to be backed up through this store, with the reason that the inventory gives: `{ AuditLog: 'kept elsewhere' }`. A plan that names one is refused. */
  readonly exclude?: Readonly<Record<string, string>>
  /**
   * The schema (MySQL, MariaDB: database) of entities that are mapped with `schema: '*'`. Default: the `schema` of MikroORM's configuration, on PostgreSQL `public`. Without either, such entities are refused. For tenants with a schema
   * each: `stores: (scope) => [mikroOrmStore(orm, { schema: schemaOf(scope) })]`.
   */
  readonly schema?: string
}

/**
 * The entity store of a MikroORM instance (7.2 or later) on PostgreSQL, MySQL, MariaDB or SQLite. Connections to a server are
 * lent by MikroORM's own pool; a SQLite file is opened a second time, with the same driver. MikroORM connects when it is first used. After a restore the
 * result cache is cleared, and entities of the context that the restore was called in become detached.
 *
 * @throws `E_DIALECT` for any other database, driver or version of MikroORM, by name; `E_MAPPING` listing every entity whose mapping is
 *   not served (`schema: '*'` of which nothing says what it stands for); `E_ENTITY_UNKNOWN` when `exclude` names no entity.
 */
export function mikroOrmStore(orm: MikroOrmInstance, options: MikroOrmStoreOptions = {}): EntityStore {
  if (typeof orm?.config?.get !== 'function')
    throw new HoldfastError('E_CONFIG', 'mikroOrmStore takes a MikroORM instance.', { hint: 'Hand over what `await MikroORM.init({…})` gives.' })
  assertKnownOptions(options, ['name', 'exclude', 'schema'], 'mikroOrmStore')
  const dialect = dialectOf(orm)
  // Before the mapping: metadata of another version may say something else.
  const client = nativeClientOf(orm)
  const label = mikroOrmVersion()
  const facts = {
    name: options.name ?? orm.config.get('contextName') ?? 'default',
    orm: label,
    mapping: mikroOrmMapping(orm, {
      ...(options.exclude ? { exclude: options.exclude } : {}),
      ...(options.schema === undefined ? {} : { schema: options.schema }),
    }),
  }
  const migrations = migrationTable(orm.config.get('migrations').tableName ?? 'mikro_orm_migrations')
  const afterRestore = async (): Promise<void> => {
    // `em.clear()` refuses to touch the global entity manager unless the application allows it.
    orm.em.getContext(false).getUnitOfWork(false).clear()
    await orm.config.getResultCacheAdapter().clear()
  }
  return deferredStore({ ...facts, dialect, afterRestore }, client, (native) => {
    switch (dialect) {
      case 'postgres':
        return createPostgresStore({ ...facts, migrations, connections: poolConnections(native as PostgresPool) })
      case 'mysql':
        return createMysqlStore({ ...facts, migrations, connections: mysqlConnections(mysqlPool(native, 'MikroORM')) })
      case 'sqlite':
        return createSqliteStore({ ...facts, migrations, ...sqliteSource(native, label) })
    }
  })
}

/** By the driver's class, or one it extends; other packages' drivers for the same databases do not hand over a client that is known here. */
const DIALECTS: Readonly<Record<string, Dialect>> = { PostgreSqlDriver: 'postgres', MySqlDriver: 'mysql', LibSqlDriver: 'sqlite', SqliteDriver: 'sqlite' }

function dialectOf({ driver, config }: MikroOrmInstance): Dialect {
  let type: unknown = driver.constructor
  while (typeof type === 'function' && type.name !== '') {
    const dialect = DIALECTS[type.name]
    if (dialect === 'sqlite') refuseRemote(config)
    if (dialect !== undefined) return dialect
    type = Object.getPrototypeOf(type)
  }
  throw new HoldfastError('E_DIALECT', `The MikroORM driver ${driver.constructor.name} is not served.`, {
    hint: '@mikro-orm/postgresql, @mikro-orm/mysql, @mikro-orm/mariadb, @mikro-orm/libsql and @mikro-orm/sqlite are served.',
  })
}

/** libSQL can stand for a server, or a copy of one, or an encrypted file; a second connection to the same path would not be the same database. */
function refuseRemote(config: MikroOrmInstance['config']): void {
  const driverOptions = config.get('driverOptions')
  const location = driverOptions.url ?? config.get('dbName') ?? ''
  if (/^[a-z]+:\/\//i.test(location) || driverOptions.syncUrl) {
    throw new HoldfastError('E_DIALECT', 'A remote libSQL database, or a replica of one, is not served.', { hint: 'Local SQLite files are served.' })
  }
  if (driverOptions.encryptionKey) throw new HoldfastError('E_DIALECT', 'libSQL `encryptionKey`: encrypted SQLite files are not served.')
}

function nativeClientOf(orm: MikroOrmInstance): () => Promise<unknown> {
  const connection = (): { getNativeClient?(): Promise<unknown>; getKnex?: unknown } => orm.em.getConnection('write')
  if (typeof connection().getNativeClient !== 'function') {
    // Version 6 and older speak to the database through Knex.
    const older = typeof connection().getKnex === 'function'
    throw new HoldfastError(
      'E_DIALECT',
      older ? 'MikroORM 6 and older are not served.' : 'This MikroORM connection does not hand over its native client (`getNativeClient`).',
      {
        hint: 'Use MikroORM 7.2 or later, with the driver of @mikro-orm/postgresql, @mikro-orm/mysql, @mikro-orm/mariadb, @mikro-orm/libsql or @mikro-orm/sqlite.',
      },
    )
  }
  return async () => {
    try {
      return await connection().getNativeClient!()
    } catch (cause) {
      throw new HoldfastError('E_STORE_FAILED', 'MikroORM could not hand over its connection.', {
        cause,
        hint: 'Check that the database is up. A ready-made Kysely instance or dialect in `driverOptions` keeps its client to itself: pass plain options instead.',
      })
    }
  }
}

function migrationTable(name: string): { readonly schema?: string; readonly table: string } {
  const [schema, table] = name.split('.')
  return schema !== undefined && table !== undefined ? { schema, table } : { table: name }
}
