import { HoldfastError } from '../../src/kernel/errors.ts'
import type { MysqlPool } from './mysql/connections.ts'

/**
 * The ORM's pool, when it is one of `mysql2` in its callback form.
 *
 * @throws `E_DIALECT` for any other: that of the older `mysql` package, or of a service's own driver.
 */
export function mysqlPool(pool: unknown, orm: string): MysqlPool {
  const has = (name: string) => typeof pool === 'object' && pool !== null && typeof (pool as Record<string, unknown>)[name] === 'function'
  // `mysql` has no prepared statements, and so no `execute`.
  if (has('getConnection') && has('execute')) return pool as MysqlPool
  throw new HoldfastError('E_DIALECT', `${orm} has no connection pool of the \`mysql2\` package.`, { hint: 'Install `mysql2` (version 3) for the ORM to use.' })
}
