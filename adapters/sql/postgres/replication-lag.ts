import type { AbortableOptions } from '../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { PostgresConnections } from './connections.ts'
import { queryJson } from './query.ts'

interface Standby {
  /** Process that sends to it. */
  readonly pid: string
  /** The role may see how far it is. */
  readonly visible: boolean
  readonly lsn: string
  /** Milliseconds that the last commit took to be replayed there; null when that is long ago, or never was. */
  readonly lagMs: string | null
}

interface Replication {
  /** Milliseconds since the last replayed commit, where this server is a standby that has received more than it replayed. */
  readonly ownMs: string | null
  readonly lsn: string
  readonly standbys: readonly Standby[]
}

const REPLICATION = `SELECT json_build_object(
  'ownMs', CASE WHEN pg_is_in_recovery() THEN CASE WHEN pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000, 0) END END::text,
  'lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text,
  'standbys', (SELECT coalesce(json_agg(json_build_object('pid', pid::text, 'visible', state IS NOT NULL, 'lsn', coalesce(replay_lsn, '0/0')::text, 'lagMs', (extract(epoch FROM replay_lag) * 1000)::text)), '[]')
    FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup')) AS json`

/** How long a connection of the application's pool is waited for. */
const PATIENCE_MS = 2000

/**
 * Asks how far the standbys of a server are behind. PostgreSQL measures the lag of what *was* replayed; of a standby that does not move at all it goes on to give the
 * last value. So it is remembered where the server's own log stood when it was asked before, and how long ago that was.
 */
export function createReplicationLag(connections: PostgresConnections): (options?: AbortableOptions) => Promise<number> {
  /** Of each standby, the oldest position of ours that it has not replayed yet. */
  const behind = new Map<string, { readonly lsn: bigint; readonly since: number }>()
  return async ({ signal } = {}) => {
    if (connections.max < 2)
      throw new HoldfastError('E_CONFIG', 'watching the replication lag takes a second connection, and the pool has but one', {
        hint: 'Give the pool of the ORM at least two connections.',
      })
    const { ownMs, lsn, standbys } = await ask(connections, signal)
    const now = performance.now()
    if (standbys.some(({ visible }) => !visible))
      throw new HoldfastError('E_PERMISSION', 'the role may not see how far replication is', { hint: 'GRANT pg_monitor to the role.' })
    for (const pid of behind.keys()) if (!standbys.some((standby) => standby.pid === pid)) behind.delete(pid)
    const lags = standbys.map((standby) => {
      const reached = lsnOf(standby.lsn)
      const open = behind.get(standby.pid)
      if (!open || reached >= open.lsn) behind.set(standby.pid, { lsn: lsnOf(lsn), since: now })
      const stalled = open && reached < open.lsn ? now - open.since : 0
      return Math.max(stalled, reached >= lsnOf(lsn) ? 0 : Number(standby.lagMs ?? 0))
    })
    return Math.max(0, Number(ownMs ?? 0), ...lags)
  }
}

async function ask(connections: PostgresConnections, signal: AbortSignal | undefined): Promise<Replication> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  const connection = await connections.acquire({ signal: signal ? AbortSignal.any([signal, patience]) : patience })
  let clean = false
  try {
    const found = await queryJson<Replication>(connection.client, 'asking how far replication is', REPLICATION)
    clean = true
    return found
  } finally {
    connection.release(!clean)
  }
}

function lsnOf(text: string): bigint {
  const [high, low] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}
