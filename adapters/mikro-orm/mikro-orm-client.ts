import type { Dialect } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { MysqlConnections } from '../sql/mysql/connections.ts'
import type { PostgresConnections } from '../sql/postgres/connections.ts'
import type { SqliteSource } from '../sql/sqlite-source.ts'
import { knexClient, type KnexConnection } from './knex-client.ts'
import type { MikroOrmInstance } from './mikro-orm-instance.ts'
import { nativeClient, type NativeConnection } from './native-client.ts'

/** How one version of MikroORM gets at a database. */
export interface MikroOrmClient {
  readonly major: 6 | 7
  /** The driver classes whose connections are known here. */
  readonly drivers: Readonly<Record<string, Dialect>>
  /** The packages of those drivers, for people. */
  readonly packages: string
  /** Connects if need be. What it gives stays the same for as long as the ORM is not connected anew, and is what a lane is made of. */
  native(dialect: Dialect, orm: string): Promise<unknown>
  postgres(native: unknown): PostgresConnections
  mysql(native: unknown): MysqlConnections
  sqlite(native: unknown, orm: string): SqliteSource
}

/**
 * Told by what the instance's connection can do.
 *
 * @throws `E_DIALECT` when it hands over nothing that is known here
 */
export function mikroOrmClient(orm: MikroOrmInstance): MikroOrmClient {
  // Asked anew each time: an ORM that reconnects has another connection.
  const connection = () => orm.em.getConnection('write')
  const has = (method: string) => typeof (connection() as Record<string, unknown>)[method] === 'function'
  if (has('getNativeClient')) return nativeClient(connection as () => NativeConnection)
  if (has('getKnex')) return knexClient(connection as () => KnexConnection)
  throw new HoldfastError('E_DIALECT', 'This MikroORM connection does not hand over its native client (`getNativeClient`, before 7 `getKnex`).', {
    hint: 'Use MikroORM 6.6 or later, or 7.2 or later, with the driver of @mikro-orm/postgresql, @mikro-orm/mysql, @mikro-orm/mariadb (7) or @mikro-orm/libsql.',
  })
}
