import { type ErrorCode, HoldfastError, isHoldfastError } from '../../../src/kernel/errors.ts'

interface ServerError {
  readonly code?: unknown
  readonly routine?: unknown
  readonly message?: unknown
}

/** SQLSTATE → code of the error table, with the way out. Anything else is `E_STORE_FAILED`. */
const BY_STATE: Readonly<Record<string, { readonly code: ErrorCode; readonly hint: string }>> = {
  '42501': {
    code: 'E_PERMISSION',
    hint: 'Grant SELECT on the tables and sequences of the plan, and USAGE on their schemas, to the role that Holdfast connects as.',
  },
  '42P01': { code: 'E_SCHEMA_DRIFT', hint: 'A mapped table is gone. Run the migrations, or correct the mapping.' },
  '42703': { code: 'E_SCHEMA_DRIFT', hint: 'A mapped column is gone. Run the migrations, or correct the mapping.' },
  '55P03': {
    code: 'E_STORE_FAILED',
    hint: 'Another transaction holds a lock that is in the way (ALTER, TRUNCATE, VACUUM FULL…; a restore also waits for writers). pg_locks and pg_stat_activity say which; run again when it has ended.',
  },
  '57014': {
    code: 'E_STORE_FAILED',
    hint: 'The database cancelled the query. Look for a statement timeout outside the session, an administrator, or a standby conflict.',
  },
  '40001': {
    code: 'E_STORE_FAILED',
    hint: 'On a standby: recovery needed to remove rows that the view still sees. Raise max_standby_streaming_delay, set hot_standby_feedback, or run again.',
  },
  '0A000': { code: 'E_DIALECT', hint: 'The server lacks what the PostgreSQL lane needs; PostgreSQL 13 or later is served.' },
}

/**
 * The typed form of what PostgreSQL, the socket or `pg` said. `cause` is the native error; `details.sqlState` its code.
 * A message of class 22 (data exceptions) quotes values, which are not for logs, and is left to the cause.
 */
export function databaseError(doing: string, error: unknown): HoldfastError {
  const native = isHoldfastError(error, 'E_STORE_FAILED') && error.cause !== undefined ? error.cause : error
  if (isHoldfastError(native)) return native
  const server = (native ?? {}) as ServerError
  const state = typeof server.code === 'string' && /^[0-9A-Z]{5}$/.test(server.code) ? server.code : undefined
  const said = state?.startsWith('22') ? '' : `: ${typeof server.message === 'string' ? server.message : String(native)}`
  const options = { cause: native, details: state === undefined ? {} : { sqlState: state } }
  const message = `${doing} failed${state === undefined ? '' : ` (${state})`}${said}`
  // `row_security = off` reports hidden rows as a missing privilege; the routine is the same in every language of messages.
  if (server.routine === 'check_enable_rls') return new HoldfastError('E_HIDDEN_ROWS', message, options)
  const known = state === undefined ? undefined : BY_STATE[state]
  return known ? new HoldfastError(known.code, message, { ...options, hint: known.hint }) : new HoldfastError('E_STORE_FAILED', message, options)
}

/** The SQLSTATE behind an error of this lane, if there is one. */
export function sqlState(error: unknown): string | undefined {
  return isHoldfastError(error) && typeof error.details.sqlState === 'string' ? error.details.sqlState : undefined
}
