import type { Dialect, EntityStore } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { deferredStore } from '../sql/deferred-store.ts'
import { createMysqlStore } from '../sql/mysql/store.ts'
import { createPostgresStore } from '../sql/postgres/store.ts'
import { createSqliteStore } from '../sql/sqlite/store.ts'
import { type MikroOrmClient, mikroOrmClient } from './mikro-orm-client.ts'
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
 * The entity store of a MikroORM instance (6.6 or later, 7.2 or later) on PostgreSQL, MySQL, MariaDB or SQLite. Connections to a server are
 * lent by MikroORM's own pool (of 6: by Knex's); a SQLite file is opened a second time, with the same driver. MikroORM connects when it is first used. After a restore the
 * result cache is cleared, and entities of the context that the restore was called in become detached.
 *
 * @throws `E_DIALECT` for any other database, driver or version of MikroORM, by name; `E_MAPPING` listing every entity whose mapping is
 *   not served (`schema: '*'` of which nothing says what it stands for); `E_ENTITY_UNKNOWN` when `exclude` names no entity.
 */
export function mikroOrmStore(orm: MikroOrmInstance, options: MikroOrmStoreOptions = {}): EntityStore {
  if (typeof orm?.config?.get !== 'function')
    throw new HoldfastError('E_CONFIG', 'mikroOrmStore takes a MikroORM instance.', { hint: 'Hand over what `await MikroORM.init({…})` gives.' })
  assertKnownOptions(options, ['name', 'exclude', 'schema'], 'mikroOrmStore')
  const client = mikroOrmClient(orm)
  // Before the mapping: metadata of another version may say something else.
  const label = mikroOrmVersion(orm, client.major)
  const dialect = dialectOf(orm, client)
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
  return deferredStore(
    { ...facts, dialect, afterRestore },
    () => client.native(dialect, label),
    (native) => {
      switch (dialect) {
        case 'postgres':
          return createPostgresStore({ ...facts, migrations, connections: client.postgres(native) })
        case 'mysql':
          return createMysqlStore({ ...facts, migrations, connections: client.mysql(native) })
        case 'sqlite':
          return createSqliteStore({ ...facts, migrations, ...client.sqlite(native, label) })
      }
    },
  )
}

/** By the driver's class, or one it extends. */
function dialectOf({ em, config }: MikroOrmInstance, { drivers, packages, major }: MikroOrmClient): Dialect {
  const driver = em.getDriver()
  let type: unknown = driver.constructor
  while (typeof type === 'function' && type.name !== '') {
    const dialect = drivers[type.name]
    if (dialect === 'sqlite') refuseRemote(config)
    if (dialect !== undefined) return dialect
    type = Object.getPrototypeOf(type)
  }
  throw new HoldfastError('E_DIALECT', `The driver ${driver.constructor.name} of MikroORM ${major} is not served.`, {
    hint: `Those of ${packages} are served.`,
  })
}

/** libSQL can stand for a server, or a copy of one, or an encrypted file; a second connection to the same path would not be the same database. */
function refuseRemote(config: MikroOrmInstance['config']): void {
  const { context, connection, ...own } = config.get('driverOptions')
  if (context !== undefined) {
    throw new HoldfastError('E_DIALECT', 'A Knex instance in `driverOptions` is not served with SQLite.', {
      hint: 'It may stand for a remote database or a replica. Give plain options instead.',
    })
  }
  // What MikroORM 6 hands to Knex stands one deeper.
  const options = { ...own, ...connection }
  const location = options.url ?? options.filename ?? config.get('dbName') ?? ''
  if (/^[a-z]+:\/\//i.test(location) || options.syncUrl) {
    throw new HoldfastError('E_DIALECT', 'A remote libSQL database, or a replica of one, is not served.', { hint: 'Local SQLite files are served.' })
  }
  if (options.encryptionKey) throw new HoldfastError('E_DIALECT', 'libSQL `encryptionKey`: encrypted SQLite files are not served.')
}

function migrationTable(name: string): { readonly schema?: string; readonly table: string } {
  const [schema, table] = name.split('.')
  return schema !== undefined && table !== undefined ? { schema, table } : { table: name }
}
