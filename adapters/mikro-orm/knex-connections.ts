import { type AbortableOptions, orAborted, throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { MysqlClient, MysqlConnections } from '../sql/mysql/connections.ts'
import type { PostgresClient, PostgresConnections } from '../sql/postgres/connections.ts'
import { borrow, giveBack, type KnexPool } from './knex-pool.ts'

type ClosablePostgresClient = PostgresClient & {
  end(): Promise<void>
  /** Knex looks here before it lends a connection again. */
  __knex__disposed?: string
}

type ClosableMysqlClient = MysqlClient & {
  /** Knex does not lend a destroyed one again. */
  destroy(): void
}

/**
 * Lends the connections of `pg` that Knex holds.
 *
 * @throws `E_DIALECT` when it holds those of another package
 */
export function knexPostgresConnections(pool: KnexPool): PostgresConnections {
  return connectionsOf<ClosablePostgresClient>(pool, 'pg', (client) => {
    // The socket takes its time to close, and Knex would lend the connection meanwhile.
    client.__knex__disposed = 'closed by Holdfast after a failure'
    client.end().catch(() => {})
  })
}

/**
 * Lends the connections of `mysql2` that Knex holds.
 *
 * @throws `E_DIALECT` when it holds those of another package
 */
export function knexMysqlConnections(pool: KnexPool): MysqlConnections {
  return connectionsOf<ClosableMysqlClient>(pool, 'mysql2', (client) => client.destroy())
}

/** Knex listens to the `error` event of a connection for as long as it lives, so that none ends the process. */
function connectionsOf<Client>(pool: KnexPool, driverName: string, close: (client: Client) => void) {
  if (pool.driverName !== driverName) {
    throw new HoldfastError('E_DIALECT', `MikroORM's Knex has connections of \`${pool.driverName}\`, and only those of \`${driverName}\` are served.`, {
      hint: 'Leave the client to MikroORM: give plain options in `driverOptions`, not a Knex instance.',
    })
  }
  return {
    max: pool.pool?.max ?? 1,
    async acquire({ signal }: AbortableOptions = {}) {
      throwIfAborted(signal)
      const borrowing = borrow(pool) as Promise<Client>
      const client = await orAborted(borrowing, signal).catch((error: unknown) => {
        // One that comes too late goes straight back.
        borrowing.then(
          (late) => giveBack(pool, late),
          () => {},
        )
        throw error
      })
      return {
        client,
        release(destroy = false) {
          if (destroy) close(client)
          giveBack(pool, client)
        },
      }
    },
  }
}
