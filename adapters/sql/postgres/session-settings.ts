import { quoteLiteral } from './quote.ts'
import type { PostgresServer } from './server.ts'

export interface SessionSettingOptions {
  /** Milliseconds to wait for a table lock; 0 waits for ever. Default 60 000. */
  readonly lockTimeoutMs?: number
}

export const DEFAULT_LOCK_TIMEOUT_MS = 60_000

/**
 * The statements, in one string, that pin every setting on which the text of values, the rows seen or the life of a transaction depends.
 * `SET LOCAL`: run them first thing in a transaction, with whose end they vanish. None of them takes the transaction's snapshot.
 *
 * - Output: `TimeZone` UTC, ISO dates, PostgreSQL intervals, shortest exact floats, hex bytea, `C` money, base64 XML binaries, UTF-8.
 * - Rows: `row_security = off`, which makes PostgreSQL refuse a query whose rows a policy would hide.
 * - Names: `search_path = pg_catalog, pg_temp`, so that nothing but qualified names of the application's are found, and types print qualified.
 * - Life: no statement, idle or transaction timeout; a time limit on lock waits. No JIT: it costs more than it saves on plain scans.
 */
export function pinSettings(server: Pick<PostgresServer, 'version'>, options: SessionSettingOptions = {}): string {
  const settings: Record<string, string> = {
    client_encoding: 'UTF8',
    TimeZone: 'UTC',
    DateStyle: 'ISO, MDY',
    IntervalStyle: 'postgres',
    extra_float_digits: '1',
    bytea_output: 'hex',
    lc_monetary: 'C',
    xmlbinary: 'base64',
    xmloption: 'content',
    standard_conforming_strings: 'on',
    row_security: 'off',
    search_path: 'pg_catalog, pg_temp',
    statement_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    lock_timeout: String(options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS),
    jit: 'off',
    ...(server.version >= 170000 ? { transaction_timeout: '0' } : {}),
  }
  // The path is a list of names, not one name; everything else is one value.
  return Object.entries(settings)
    .map(([name, value]) => `SET LOCAL ${name} = ${name === 'search_path' || name === 'DateStyle' ? value : quoteLiteral(value)}`)
    .join('; ')
}
