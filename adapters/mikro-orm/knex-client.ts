import { HoldfastError } from '../../src/kernel/errors.ts'
import type { SqliteSource } from '../sql/sqlite-source.ts'
import { knexMysqlConnections, knexPostgresConnections } from './knex-connections.ts'
import type { KnexPool } from './knex-pool.ts'
import { knexSqliteSource } from './knex-sqlite-source.ts'
import type { MikroOrmClient } from './mikro-orm-client.ts'

/** What is used of a connection of MikroORM 6. */
export interface KnexConnection {
  ensureConnection(): Promise<void>
  getKnex(): { readonly client: KnexPool }
}

/** MikroORM 6 speaks to the database through Knex, whose pool lends single connections of `pg`, of `mysql2` or to SQLite. */
export function knexClient(connection: () => KnexConnection): MikroOrmClient {
  return {
    major: 6,
    // The driver for MariaDB has connections of the `mariadb` package, that for SQLite those of `sqlite3`: the lanes know neither.
    drivers: { PostgreSqlDriver: 'postgres', MySqlDriver: 'mysql', LibSqlDriver: 'sqlite', BetterSqliteDriver: 'sqlite' },
    packages: '@mikro-orm/postgresql, @mikro-orm/mysql (for MariaDB as well), @mikro-orm/libsql and @mikro-orm/better-sqlite',
    async native(dialect, orm) {
      try {
        await connection().ensureConnection()
      } catch (cause) {
        throw new HoldfastError('E_STORE_FAILED', 'MikroORM could not connect.', { cause, hint: 'Check that the database is up.' })
      }
      const pool = connection().getKnex().client
      return dialect === 'sqlite' ? knexSqliteSource(pool, orm) : pool
    },
    postgres: (pool) => knexPostgresConnections(pool as KnexPool),
    mysql: (pool) => knexMysqlConnections(pool as KnexPool),
    sqlite: (source) => source as SqliteSource,
  }
}
