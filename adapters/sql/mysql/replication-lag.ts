import type { AbortableOptions } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { MysqlConnections } from './connections.ts'
import { queryText } from './query.ts'
import { inspectServer } from './server.ts'

/** How long a connection of the application's pool is waited for. */
const PATIENCE_MS = 2000

/**
 * How far this server is behind the one that it replicates, in milliseconds; of several channels the slowest. Null on a server that replicates nothing: a primary of these
 * databases does not know how far its replicas are.
 *
 * @throws `E_STORE_FAILED` when replication does not run, so that nobody can say; `E_CONFIG` for a pool of one connection.
 */
export async function replicationLag(connections: MysqlConnections, { signal }: AbortableOptions = {}): Promise<number | null> {
  if (connections.max < 2)
    throw new HoldfastError('E_CONFIG', 'watching the replication lag takes a second connection, and the pool has but one', {
      hint: 'Give the pool of the ORM at least two connections.',
    })
  const patience = AbortSignal.timeout(PATIENCE_MS)
  const connection = await connections.acquire({ signal: signal ? AbortSignal.any([signal, patience]) : patience })
  let clean = false
  try {
    const { flavour, version } = await inspectServer(connection.client)
    const sql = flavour === 'mariadb' ? 'SHOW ALL SLAVES STATUS' : version >= 80022 ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS'
    const channels = await queryText(connection.client, 'asking how far replication is', sql)
    clean = true
    if (channels.length === 0) return null
    const seconds = channels.map((channel) => channel.Seconds_Behind_Source ?? channel.Seconds_Behind_Master ?? null)
    if (seconds.includes(null)) throw new HoldfastError('E_STORE_FAILED', 'replication does not run, so nobody can say how far it is behind')
    return Math.max(...seconds.map(Number)) * 1000
  } finally {
    connection.release(!clean)
  }
}
