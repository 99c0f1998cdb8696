import type { PostgresClient } from './connections.ts'
import { queryJson } from './query.ts'

/** What the database says of itself and of the snapshot, in the query that takes it. All numbers beyond 2^53 are text. */
export interface SnapshotFacts {
  /** Database clock, ISO 8601 UTC with microseconds. */
  readonly at: string
  /** `pg_snapshot_xmin`, 64 bits: every transaction below it had ended when the snapshot was taken. */
  readonly xmin: string
  /** `pg_snapshot_xmax`, 64 bits: no transaction at or above it is in the snapshot. */
  readonly xmax: string
  readonly lsn: string
  readonly systemId: string
  readonly database: string
  readonly databaseOid: string
  /** Of the write-ahead log; a promotion or a point-in-time recovery begins another. */
  readonly timeline: string
  readonly role: 'primary' | 'standby'
  /** Microseconds since the epoch. */
  readonly postmasterStart: string
  /**
   * When the cumulative statistics began. The only trace for everyone of a crash that the postmaster survived: recovery discards them, and
   * transactions that were committed asynchronously may be gone and their ids given out again.
   */
  readonly statisticsSince: string
  /** Product whose tables are not plain heaps behind PostgreSQL's catalog. */
  readonly foreignHeap: string | null
  /** Of the database's default collation. */
  readonly collationVersion: string
}

/** Takes the transaction's snapshot. Must be its first query, after the locks. */
export function readSnapshotFacts(client: PostgresClient, server: { readonly version: number }): Promise<SnapshotFacts> {
  const collation = server.version >= 150000 ? 'pg_database_collation_actual_version(d.oid)' : 'd.datcollate'
  return queryJson(
    client,
    'taking the snapshot',
    `SELECT json_build_object(
       'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       'xmin', pg_snapshot_xmin(pg_current_snapshot())::text, 'xmax', pg_snapshot_xmax(pg_current_snapshot())::text,
       'lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
       'systemId', (SELECT system_identifier::text FROM pg_control_system()), 'database', d.datname, 'databaseOid', d.oid::text,
       'timeline', CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id::text FROM pg_control_checkpoint())
                        ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
       'role', CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END,
       'postmasterStart', (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text,
       'statisticsSince', (SELECT coalesce((extract(epoch FROM stats_reset) * 1000000)::bigint::text, '') FROM pg_stat_bgwriter),
       'foreignHeap', (SELECT min(extname) FROM pg_extension WHERE extname IN ('citus', 'timescaledb')),
       'collationVersion', coalesce(${collation}, '')) AS json
     FROM pg_database d WHERE d.datname = current_database()`,
  )
}
