import type { EntityStore } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { type PostgresPool, poolConnections } from '../sql/postgres/connections.ts'
import { createPostgresStore } from '../sql/postgres/store.ts'
import { createSqliteStore } from '../sql/sqlite/store.ts'
import { sqliteSource } from '../sql/sqlite-source.ts'
import type { TypeormDataSource } from './typeorm-data-source.ts'
import { typeormMapping } from './typeorm-mapping.ts'
import { typeormVersion } from './typeorm-version.ts'

export interface TypeormStoreOptions {
  /** Unique among the stores of the application. Default: the data source's own name where it has one (TypeORM 0.3), else `default`. */
  readonly name?: string
  /** Entities that are not to be backed up through this store, with the reason that the inventory gives: `{ AuditLog: 'kept elsewhere' }`. A plan that names one is refused. */
  readonly exclude?: Readonly<Record<string, string>>
}

/**
 * The entity store of an initialised TypeORM data source (0.3 and 1.x) on PostgreSQL or SQLite. PostgreSQL connections are lent by
 * the data source's own pool; a SQLite file is opened a second time, with the same driver.
 *
 * @throws `E_CONFIG` when the data source is not initialised; `E_DIALECT` for any other database or driver, by name; `E_MAPPING`
 *   listing every entity whose mapping is not served; `E_ENTITY_UNKNOWN` when `exclude` names no entity.
 */
export function typeormStore(dataSource: TypeormDataSource, options: TypeormStoreOptions = {}): EntityStore {
  if (typeof dataSource?.options !== 'object')
    throw new HoldfastError('E_CONFIG', 'typeormStore takes a TypeORM DataSource.', {
      hint: 'Hand over `new DataSource({…})` after `await dataSource.initialize()`.',
    })
  assertKnownOptions(options, ['name', 'exclude'], 'typeormStore')
  if (!dataSource.isInitialized) {
    throw new HoldfastError('E_CONFIG', 'The TypeORM data source is not initialised.', { hint: 'Call `typeormStore` after `await dataSource.initialize()`.' })
  }
  const dialect = dialectOf(dataSource)
  const { name: ownName, schema, migrationsTableName } = dataSource.options
  const orm = typeormVersion(dataSource)
  const facts = {
    name: options.name ?? ownName ?? dataSource.name ?? 'default',
    orm,
    mapping: typeormMapping(dataSource, { schemas: dialect === 'postgres', ...(options.exclude ? { exclude: options.exclude } : {}) }),
    migrations: { ...(schema === undefined ? {} : { schema }), table: migrationsTableName ?? 'migrations' },
  }
  const store =
    dialect === 'postgres'
      ? createPostgresStore({ ...facts, connections: poolConnections(poolOf(dataSource)) })
      : createSqliteStore({ ...facts, ...sqliteSource(databaseOf(dataSource), orm) })
  return { ...store, afterRestore: async () => dataSource.queryResultCache?.clear() }
}

function dialectOf({ options }: TypeormDataSource): 'postgres' | 'sqlite' {
  if (options.type === 'postgres') return 'postgres'
  if (options.type === 'better-sqlite3') {
    if (options.key) throw new HoldfastError('E_DIALECT', 'TypeORM `key`: encrypted SQLite files are not served.')
    return 'sqlite'
  }
  const hint =
    options.type === 'sqlite'
      ? 'Use `type: "better-sqlite3"`, with better-sqlite3 or `driver: libsql`.'
      : 'TypeORM types `postgres` and `better-sqlite3` are served.'
  throw new HoldfastError('E_DIALECT', `TypeORM type \`${options.type}\` is not served.`, { hint })
}

/** TypeORM keeps its pool of `pg` here; with replication, that of the master. */
function poolOf({ driver }: TypeormDataSource): PostgresPool {
  const pool = 'master' in driver ? driver.master : undefined
  if (typeof pool === 'object' && pool !== null && 'connect' in pool && 'options' in pool) return pool as PostgresPool
  throw new HoldfastError('E_DIALECT', 'This TypeORM data source has no connection pool of the `pg` package.', {
    hint: 'Leave `driver` out of its options, or pass `pg` itself.',
  })
}

function databaseOf({ driver }: TypeormDataSource): unknown {
  return 'databaseConnection' in driver ? driver.databaseConnection : undefined
}
