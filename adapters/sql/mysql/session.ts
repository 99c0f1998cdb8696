import { type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'
import { DIGEST_TEXT_BYTES } from './digest-form.ts'
import type { MysqlClient, MysqlConnection, MysqlConnections } from './connections.ts'
import { queryText } from './query.ts'
import { quoteLiteral } from './quote.ts'
import { inspectServer, type MysqlServer } from './server.ts'

export interface SessionOptions extends AbortableOptions {
  /** Milliseconds to wait for a table's metadata lock and for row locks, to whole seconds; 0 waits as long as the server lets one. Default 60 000. */
  readonly lockTimeoutMs?: number | undefined
  /** Settings to pin beside those that every session needs, as SQL by their names. */
  readonly settings?: (server: MysqlServer) => Readonly<Record<string, string>>
}

/** A client with pinned settings. Everything the lane asks a database goes through one. */
export interface MysqlSession {
  readonly client: MysqlClient
  readonly server: MysqlServer
  /**
   * Ends any open transaction, puts every setting back and gives the client to its pool; closes it when that fails, or when `destroy` is true.
   * Safe to call more than once; never rejects.
   */
  release(destroy?: boolean): Promise<void>
}

export const DEFAULT_LOCK_TIMEOUT_MS = 60_000

/** A year in seconds, the most that the server takes for lock waits. */
const LONGEST = 31_536_000
/** The most that `wait_timeout` takes on every system, in seconds: 24 days. */
const LONGEST_IDLE = 2_147_483

/**
 * What `sql_mode` is while the session is ours. Strict, so that nothing is bent to fit; 0 in an AUTO_INCREMENT column stays 0; zero dates and 31 February
 * can be written and compared, since they can be stored.
 */
const SQL_MODE = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'

/**
 * Every setting on which the text of values, the rows seen or the life of a transaction depends. There is no `SET LOCAL`, so what was there is read first
 * and put back by `release`. `character_set_client` stays as the driver has it: it says how the driver encodes SQL, and literals of ours are ASCII.
 */
function pins(server: MysqlServer, { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS }: SessionOptions): Readonly<Record<string, string>> {
  const lockSeconds = String(lockTimeoutMs === 0 ? LONGEST : Math.max(1, Math.ceil(lockTimeoutMs / 1000)))
  return {
    time_zone: quoteLiteral('+00:00'),
    sql_mode: quoteLiteral(SQL_MODE),
    character_set_results: 'utf8mb4',
    // Sets the character set of literals with it.
    collation_connection: 'utf8mb4_bin',
    lock_wait_timeout: lockSeconds,
    innodb_lock_wait_timeout: lockSeconds,
    wait_timeout: String(LONGEST_IDLE),
    net_write_timeout: String(LONGEST_IDLE),
    net_read_timeout: String(LONGEST_IDLE),
    sql_select_limit: '18446744073709551615',
    sql_auto_is_null: '0',
    div_precision_increment: '4',
    group_concat_max_len: String(DIGEST_TEXT_BYTES),
    lc_time_names: quoteLiteral('en_US'),
    ...(server.flavour === 'mariadb'
      ? { max_statement_time: '0', idle_transaction_timeout: '0', idle_readonly_transaction_timeout: '0' }
      : { max_execution_time: '0', information_schema_stats_expiry: '0' }),
  }
}

/** Borrows a client and pins its settings. Nothing of the application's is left changed after `release`. */
export async function openSession(connections: MysqlConnections, options: SessionOptions = {}): Promise<MysqlSession> {
  const connection = await connections.acquire({ signal: options.signal })
  try {
    const server = await inspectServer(connection.client)
    const settings = { ...pins(server, options), ...options.settings?.(server) }
    const before = await readSettings(connection.client, Object.keys(settings))
    await queryText(connection.client, 'pinning the session', setSql(settings))
    throwIfAborted(options.signal)
    return { client: connection.client, server, release: releaser(connection, before) }
  } catch (error) {
    connection.release(true)
    throw error
  }
}

const NUMBER = /^[0-9]+(\.[0-9]+)?$/

async function readSettings(client: MysqlClient, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const list = [...names, 'character_set_connection'].map((name) => `@@SESSION.${name} AS ${name}`).join(', ')
  const [row] = await queryText(client, 'reading the settings of the session', `SELECT ${list}`)
  const { character_set_connection: charset, ...rest } = row ?? {}
  const literal = (value: string | null | undefined) => (value === null || value === undefined ? 'NULL' : NUMBER.test(value) ? value : quoteLiteral(value))
  // The character set first: setting it chooses a collation, which is then set as it was.
  return { character_set_connection: literal(charset), ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, literal(value)])) }
}

const setSql = (settings: Readonly<Record<string, string>>): string =>
  `SET ${Object.entries(settings)
    .map(([name, value]) => `SESSION ${name} = ${value}`)
    .join(', ')}`

function releaser(connection: MysqlConnection, before: Readonly<Record<string, string>>): MysqlSession['release'] {
  let released = false
  return async (destroy = false) => {
    if (released) return
    released = true
    if (destroy) return connection.release(true)
    const restored = await queryText(connection.client, 'ending the transaction', 'ROLLBACK')
      .then(() => queryText(connection.client, 'putting the session back', setSql(before)))
      .then(
        () => true,
        () => false,
      )
    connection.release(!restored)
  }
}
