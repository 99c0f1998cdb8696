import { HoldfastError } from '../../src/kernel/errors.ts'
import { mysqlPool } from '../sql/mysql-pool.ts'
import { poolConnections as mysqlConnections } from '../sql/mysql/connections.ts'
import { type PostgresPool, poolConnections } from '../sql/postgres/connections.ts'
import { sqliteSource } from '../sql/sqlite-source.ts'
import type { MikroOrmClient } from './mikro-orm-client.ts'

/** What is used of a connection of MikroORM 7.2 and later. */
export interface NativeConnection {
  getNativeClient(): Promise<unknown>
}

/** MikroORM 7 hands over the pool of `pg` or `mysql2`, or the SQLite handle, that it made. */
export function nativeClient(connection: () => NativeConnection): MikroOrmClient {
  return {
    major: 7,
    // The driver for MariaDB extends that for MySQL.
    drivers: { PostgreSqlDriver: 'postgres', MySqlDriver: 'mysql', LibSqlDriver: 'sqlite', SqliteDriver: 'sqlite' },
    packages: '@mikro-orm/postgresql, @mikro-orm/mysql, @mikro-orm/mariadb, @mikro-orm/libsql and @mikro-orm/sqlite',
    async native() {
      try {
        return await connection().getNativeClient()
      } catch (cause) {
        throw new HoldfastError('E_STORE_FAILED', 'MikroORM could not hand over its connection.', {
          cause,
          hint: 'Check that the database is up. A ready-made Kysely instance or dialect in `driverOptions` keeps its client to itself: pass plain options instead.',
        })
      }
    },
    postgres: (native) => poolConnections(native as PostgresPool),
    mysql: (native) => mysqlConnections(mysqlPool(native, 'MikroORM')),
    sqlite: sqliteSource,
  }
}
