import type { AbortableOptions } from '../../../src/kernel/abort.ts'
import { abortError, throwIfAborted } from '../../../src/kernel/abort.ts'
import type { CopyClient } from './copy/index.ts'

/** What is used of a `pg` Client (version 8), typed by shape so that a client of any pool fits: TypeORM's, MikroORM's, one's own. */
export interface PostgresClient extends CopyClient {
  /** Process id that the server, or the pooler in front of it, gave at connect. */
  readonly processID?: number | null
}

/** A client lent by a pool. Nothing of the session may be left changed when it goes back; what cannot be put back is destroyed. */
export interface PostgresConnection {
  readonly client: PostgresClient
  /** Gives the client back to its pool; `true` closes it instead. Safe to call once only. */
  release(destroy?: boolean): void
}

/** Where clients come from: an ORM's own pool. */
export interface PostgresConnections {
  /** The size of the pool. A view never takes more than `max - 1` of them, or the only one. */
  readonly max: number
  /** Waits for a free client; an abort gives up the place in the queue. */
  acquire(options?: AbortableOptions): Promise<PostgresConnection>
}

interface PooledClient extends PostgresClient {
  release(destroy?: boolean | Error): void
}

/** What is used of a `pg` Pool. */
export interface PostgresPool {
  readonly options: { readonly max?: number }
  connect(): Promise<object>
}

/** `pg`'s own default. */
const DEFAULT_POOL_SIZE = 10

/** Lends the clients of a `pg` pool. */
export function poolConnections(pool: PostgresPool): PostgresConnections {
  return {
    max: pool.options.max ?? DEFAULT_POOL_SIZE,
    async acquire({ signal }: AbortableOptions = {}) {
      throwIfAborted(signal)
      const connecting = pool.connect() as Promise<PooledClient>
      const client = await abandonable(connecting, signal)
      // A lent client has no `error` listener of its pool, and an `error` event without one ends the process. The running query rejects as well.
      client.on('error', ignore)
      return {
        client,
        release(destroy = false) {
          client.removeListener('error', ignore)
          client.release(destroy)
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
