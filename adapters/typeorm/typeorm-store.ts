import type { Dialect, EntityStore } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { mysqlPool } from '../sql/mysql-pool.ts'
import { DEFAULT_POOL_SIZE, poolConnections as mysqlConnections } from '../sql/mysql/connections.ts'
import { createMysqlStore } from '../sql/mysql/store.ts'
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
 * The entity store of an initialised TypeORM data source (0.3 and 1.x) on PostgreSQL, MySQL, MariaDB or SQLite. Connections
 * to a server are lent by the data source's own pool (for MySQL and MariaDB, of `mysql2`); a SQLite file is opened a second time, with the same driver.
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
    mapping: typeormMapping(dataSource, { schemas: SCHEMAS[dialect], ...(options.exclude ? { exclude: options.exclude } : {}) }),
    migrations: { ...(schema === undefined ? {} : { schema }), table: migrationsTableName ?? 'migrations' },
  }
  const store = laneOf(dataSource, dialect, facts)
  return { ...store, afterRestore: async () => dataSource.queryResultCache?.clear() }
}

/** What TypeORM puts before a table's name. */
const SCHEMAS = { postgres: 'schema', mysql: 'database', sqlite: null } as const

type Facts = Pick<EntityStore, 'name' | 'orm' | 'mapping'> & { readonly migrations: { readonly schema?: string; readonly table: string } }

function laneOf(dataSource: TypeormDataSource, dialect: Dialect, facts: Facts): EntityStore {
  switch (dialect) {
    case 'postgres':
      return createPostgresStore({ ...facts, connections: poolConnections(poolOf(dataSource)) })
    case 'mysql':
      // A `schema` in the options is PostgreSQL's; here the table stands in the connection's own database.
      return createMysqlStore({ ...facts, migrations: { table: facts.migrations.table }, connections: mysqlConnectionsOf(dataSource) })
    case 'sqlite':
      return createSqliteStore({ ...facts, ...sqliteSource(databaseOf(dataSource), facts.orm) })
  }
}

function dialectOf({ options }: TypeormDataSource): Dialect {
  if (options.type === 'postgres') return 'postgres'
  if (options.type === 'mysql' || options.type === 'mariadb') return 'mysql'
  if (options.type === 'better-sqlite3') {
    if (options.key) throw new HoldfastError('E_DIALECT', 'TypeORM `key`: encrypted SQLite files are not served.')
    return 'sqlite'
  }
  const hint =
    options.type === 'sqlite'
      ? 'Use `type: "better-sqlite3"`, with better-sqlite3 or `driver: libsql`.'
      : 'TypeORM types `postgres`, `mysql`, `mariadb` and `better-sqlite3` are served.'
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

/** With replication, TypeORM keeps a cluster of pools; those of the master are lent. */
function mysqlConnectionsOf({ driver, options }: TypeormDataSource) {
  const cluster = 'poolCluster' in driver ? driver.poolCluster : undefined
  if (isCluster(cluster))
    return mysqlConnections({ getConnection: (callback) => cluster.getConnection('MASTER', callback) }, options.poolSize ?? DEFAULT_POOL_SIZE)
  return mysqlConnections(mysqlPool('pool' in driver ? driver.pool : undefined, 'TypeORM'))
}

interface PoolCluster {
  getConnection(pattern: string, callback: (error: unknown, connection: unknown) => void): void
}

function isCluster(cluster: unknown): cluster is PoolCluster {
  return typeof cluster === 'object' && cluster !== null && 'getConnection' in cluster
}

function databaseOf({ driver }: TypeormDataSource): unknown {
  return 'databaseConnection' in driver ? driver.databaseConnection : undefined
}
