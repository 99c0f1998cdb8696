import { HoldfastError } from '../../../src/kernel/errors.ts'
import type { PostgresClient } from './connections.ts'
import { queryAll, queryText, type TextRow } from './query.ts'

/** The server behind a client, as it was asked outside any transaction of ours. */
export interface PostgresServer {
  /** `server_version_num`: 150020. */
  readonly version: number
  /** `15.20`. */
  readonly versionText: string
  readonly database: string
  /** The server process, which a pooler may hide from the client. */
  readonly backendPid: number
  /**
   * A pooler stands between. Transactions are whole behind it, but session state is not ours, `processID` is not the server's, and its server
   * connections may be fewer than the pool's: so a view behind one reads on one connection.
   */
  readonly pooled: boolean
  /** Schemas in which the session finds unqualified names, in order; without `pg_catalog` and temporary ones. */
  readonly searchPath: readonly string[]
}

const OLDEST_SERVED = 130000

/** Products that speak PostgreSQL's protocol and call themselves PostgreSQL in `version()`, without its heap, snapshots or catalog behind. */
const LOOKALIKE = /cockroach|yugabyte|-yb-|redshift|greenplum|materialize|crate|questdb|risingwave|spanner|vertica|netezza/i

const FACTS = `
  SELECT json_build_object(
    'version', current_setting('server_version_num')::int, 'versionText', current_setting('server_version'), 'database', current_database(),
    'backendPid', pg_backend_pid(), 'searchPath', to_json(current_schemas(false))) AS json`

/**
 * Asks the server who it is.
 *
 * @throws `E_DIALECT` for anything but PostgreSQL 13 or later: its answers would be taken for promises that it does not make.
 */
export async function inspectServer(client: PostgresClient): Promise<PostgresServer> {
  const [banner, told] = await queryAll(client, 'asking the database who it is', [['SELECT version() AS version'], [FACTS]]).catch(async (error: unknown) => {
    // What is not PostgreSQL may not understand the second question.
    assertPostgres(await queryText(client, 'asking the database for its version', 'SELECT version() AS version'))
    throw error
  })
  assertPostgres(banner!)
  const facts = JSON.parse(told![0]!.json!) as Omit<PostgresServer, 'pooled'>
  if (facts.version < OLDEST_SERVED) throw new HoldfastError('E_DIALECT', `PostgreSQL ${facts.versionText} is too old; 13 or later is served`)
  return {
    ...facts,
    pooled: typeof client.processID === 'number' && client.processID !== facts.backendPid,
    searchPath: facts.searchPath.filter((schema) => schema !== 'pg_catalog'),
  }
}

function assertPostgres([banner]: readonly TextRow[]): void {
  const version = banner?.version ?? ''
  if (!version.startsWith('PostgreSQL ') || LOOKALIKE.test(version))
    throw new HoldfastError('E_DIALECT', `the database speaks PostgreSQL's protocol but is not PostgreSQL: ${version.slice(0, 100)}`)
}
