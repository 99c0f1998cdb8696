import { type ErrorCode, HoldfastError, isHoldfastError } from '../../../src/kernel/errors.ts'

interface ServerError {
  readonly errno?: unknown
  readonly sqlState?: unknown
  readonly message?: unknown
}

interface KnownError {
  readonly code: ErrorCode
  readonly hint: string
}

const DENIED: KnownError = { code: 'E_PERMISSION', hint: 'Grant SELECT on the tables of the plan to the user that Holdfast connects as.' }
const LOCKED: KnownError = {
  code: 'E_STORE_FAILED',
  hint: 'Another transaction holds a lock that excludes this (ALTER, TRUNCATE, LOCK TABLES…). Run again when it has ended, or raise `lockTimeoutMs`.',
}
const CANCELLED: KnownError = {
  code: 'E_STORE_FAILED',
  hint: 'The server cancelled the statement. Look for KILL by an administrator or a tool that ends long statements.',
}

/** Numbers that both MySQL and MariaDB give. Anything else is `E_STORE_FAILED`. */
const BY_NUMBER: Readonly<Record<number, KnownError>> = {
  1044: DENIED,
  1045: DENIED,
  1142: DENIED,
  1143: DENIED,
  1227: DENIED,
  1370: DENIED,
  1146: { code: 'E_SCHEMA_DRIFT', hint: 'A mapped table is gone. Run the migrations, or correct the mapping.' },
  1054: { code: 'E_SCHEMA_DRIFT', hint: 'A mapped column is gone. Run the migrations, or correct the mapping.' },
  1412: { code: 'E_SCHEMA_DRIFT', hint: 'A table was rebuilt or truncated after the snapshot was taken. Run again.' },
  1205: LOCKED,
  1213: LOCKED,
  1317: CANCELLED,
  1969: CANCELLED,
  3024: CANCELLED,
}

/**
 * The typed form of what MySQL, MariaDB, the socket or `mysql2` said. `cause` is the native error; `details.errno` and `details.sqlState` its codes.
 * Messages on data and constraints (classes 22 and 23, and numbers that quote values under HY000) are not for logs, and are left to the cause.
 */
export function databaseError(doing: string, error: unknown): HoldfastError {
  const native = isHoldfastError(error, 'E_STORE_FAILED') && error.cause !== undefined ? error.cause : error
  if (isHoldfastError(native)) return native
  const server = (native ?? {}) as ServerError
  const errno = typeof server.errno === 'number' ? server.errno : undefined
  const state = typeof server.sqlState === 'string' && /^[0-9A-Z]{5}$/.test(server.sqlState) ? server.sqlState : undefined
  const quotesValues = state?.startsWith('22') === true || state?.startsWith('23') === true || (errno !== undefined && QUOTES_VALUES.has(errno))
  const said = quotesValues ? '' : `: ${typeof server.message === 'string' ? server.message : String(native)}`
  const options = { cause: native, details: { ...(errno === undefined ? {} : { errno }), ...(state === undefined ? {} : { sqlState: state }) } }
  const message = `${doing} failed${errno === undefined || state === undefined ? '' : ` (${errno}, ${state})`}${said}`
  const known = errno === undefined ? undefined : BY_NUMBER[errno]
  return known ? new HoldfastError(known.code, message, { ...options, hint: known.hint }) : new HoldfastError('E_STORE_FAILED', message, options)
}

/** Incorrect value, data truncated, incorrect string value, CHECK failed: HY000 or 01000, with the value in the text. */
const QUOTES_VALUES: ReadonlySet<number> = new Set([1265, 1366, 1411, 3819, 4025])

/** The server's error number behind an error of this lane, if there is one. */
export function errorNumber(error: unknown): number | undefined {
  return isHoldfastError(error) && typeof error.details.errno === 'number' ? error.details.errno : undefined
}

/** The SQLSTATE behind an error of this lane, if there is one. */
export function sqlState(error: unknown): string | undefined {
  return isHoldfastError(error) && typeof error.details.sqlState === 'string' ? error.details.sqlState : undefined
}
