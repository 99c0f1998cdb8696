import type { AbortableOptions } from '../../../src/kernel/abort.ts'
import { abortError, throwIfAborted } from '../../../src/kernel/abort.ts'

/** What `mysql2` hands to a `typeCast` function: one value of one row, not yet read. */
export interface MysqlField {
  readonly name: string
  /** The bytes as the server sent them; null for SQL NULL. A view of the socket's memory, to be copied by whoever keeps it. */
  buffer(): Buffer | null
}

export interface MysqlQueryOptions {
  readonly sql: string
  readonly rowsAsArray?: boolean
  readonly nestTables?: false
  readonly namedPlaceholders?: false
  readonly typeCast?: (field: MysqlField) => unknown
  /** Where `LOAD DATA LOCAL INFILE` reads from. */
  readonly infileStreamFactory?: (path: string) => NodeJS.ReadableStream
}

type Listener = (...values: never[]) => void

/** A statement that runs. Without a callback its rows come as `result` events, then `end` or `error`. */
export interface MysqlCommand {
  on(event: 'fields' | 'result' | 'end' | 'error', listener: Listener): unknown
}

/** What is used of a connection of `mysql2` (version 3, callback form), typed by shape so that a connection of any pool fits: TypeORM's, MikroORM's, one's own. */
export interface MysqlClient {
  /** The server's id of the connection. */
  readonly threadId?: number | null
  query(options: MysqlQueryOptions, callback?: (error: unknown, rows: unknown, fields: unknown) => void): MysqlCommand
  /** Stops reading from the socket. */
  pause(): void
  resume(): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** A client lent by a pool. Nothing of the session may be left changed when it goes back; what cannot be put back is destroyed. */
export interface MysqlConnection {
  readonly client: MysqlClient
  /** Gives the client back to its pool; `true` closes it instead. Safe to call once only. */
  release(destroy?: boolean): void
}

/** Where clients come from: an ORM's own pool. */
export interface MysqlConnections {
  /** The size of the pool. A view never takes more than `max - 1` of them, or the only one. */
  readonly max: number
  /** Waits for a free client; an abort gives up the place in the queue. */
  acquire(options?: AbortableOptions): Promise<MysqlConnection>
}

interface PooledClient extends MysqlClient {
  release(): void
  destroy(): void
}

/** What is used of a pool of `mysql2` in its callback form, or of anything that lends such connections. */
export interface MysqlPool {
  getConnection(callback: (error: unknown, connection: unknown) => void): void
}

/** `mysql2`'s own default. */
export const DEFAULT_POOL_SIZE = 10

/** The size a pool was made with. 0 means without limit. */
export function poolSize(pool: object): number {
  const config = 'config' in pool ? (pool.config as { readonly connectionLimit?: unknown } | null) : null
  const limit = config?.connectionLimit
  if (typeof limit !== 'number') return DEFAULT_POOL_SIZE
  return limit === 0 ? Number.MAX_SAFE_INTEGER : limit
}

/** Lends the clients of a pool of `mysql2`. */
export function poolConnections(pool: MysqlPool, max = poolSize(pool)): MysqlConnections {
  return {
    max,
    async acquire({ signal }: AbortableOptions = {}) {
      throwIfAborted(signal)
      const connecting = new Promise<PooledClient>((resolve, reject) => {
        pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection as PooledClient)))
      })
      const client = await abandonable(connecting, signal)
      // An `error` event without a listener ends the process. The running statement fails as well.
      client.on('error', ignore)
      return {
        client,
        release(destroy = false) {
          client.removeListener('error', ignore)
          if (destroy) {
            client.on('error', ignore)
            client.destroy()
          } else client.release()
        },
      }
    },
  }
}

const ignore = (): void => {}

/** Waits for the client or the abort, whichever is first; a client that comes too late goes straight back. */
async function abandonable(connecting: Promise<PooledClient>, signal: AbortSignal | undefined): Promise<PooledClient> {
  if (!signal) return connecting
  let stop = ignore
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(signal))
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([connecting, aborted])
  } catch (error) {
    connecting.then(
      (client) => client.release(),
      () => {},
    )
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
