import { HoldfastError } from '../../src/kernel/errors.ts'

/** What is used of the client inside a Knex instance (3.x). */
export interface KnexPool {
  /** The package that its connections are of: `pg`, `mysql2`, `libsql`… */
  readonly driverName: string
  /** Gone when Knex was destroyed. */
  readonly pool?: { readonly max: number }
  acquireConnection(): Promise<unknown>
  releaseConnection(connection: unknown): Promise<unknown>
}

/** @throws `E_STORE_FAILED` (retryable) when the database is down, or no connection became free in Knex's own time */
export async function borrow(pool: KnexPool): Promise<unknown> {
  try {
    return await pool.acquireConnection()
  } catch (cause) {
    throw new HoldfastError('E_STORE_FAILED', 'The pool of MikroORM (Knex) has lent no connection.', {
      cause,
      hint: 'Check that the database is up, and that `pool.max` leaves a connection free: Knex waits for one as long as `pool.acquireTimeoutMillis` says, 60 s unless set.',
    })
  }
}

/** Where Knex was destroyed meanwhile there is nothing to give back to; it has closed its connections. */
export function giveBack(pool: KnexPool, connection: unknown): void {
  if (pool.pool) void pool.releaseConnection(connection)
}
