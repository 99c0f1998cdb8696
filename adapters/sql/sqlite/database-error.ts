import { type ErrorCode, HoldfastError, isHoldfastError } from '../../../src/kernel/errors.ts'

/** `SQLITE_BUSY_SNAPSHOT` and the like, as both drivers name them; empty for errors that are not SQLite's. */
export function sqliteCode(error: unknown): string {
  const code = error !== null && typeof error === 'object' && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Somebody else holds a lock; the same call may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(error))
}

/** A constraint, a STRICT type or a trigger's RAISE refused a row. libsql has no name for 3091, SQLITE_CONSTRAINT_DATATYPE. */
export function isConstraint(error: unknown): boolean {
  return /^(SQLITE_CONSTRAINT|SQLITE_MISMATCH|UNKNOWN_SQLITE_ERROR_3091)/.test(sqliteCode(error))
}

/** The typed form of whatever the driver threw. `doing` completes "failed while …". */
export function databaseError(error: unknown, doing: string): HoldfastError {
  if (isHoldfastError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  const [code, hint] = classify(sqliteCode(error), message)
  return new HoldfastError(code, `SQLite failed while ${doing}: ${message}`, { cause: error, ...(hint === undefined ? {} : { hint }) })
}

function classify(code: string, message: string): [ErrorCode, string?] {
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return ['E_STORE_FAILED', 'Another connection holds the database; run again when it is done.']
  if (/^SQLITE_(PERM|AUTH|READONLY)/.test(code)) return ['E_PERMISSION', 'The process needs to write to the database file and its folder.']
  if (/^SQLITE_CANTOPEN/.test(code) || message.includes('ConnectionFailed'))
    return ['E_STORE_FAILED', 'Check the path of the database and the rights on its folder.']
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return ['E_STORE_FAILED', 'The database file is damaged; `PRAGMA integrity_check` says where.']
  if (/^SQLITE_FULL/.test(code)) return ['E_STORE_FAILED', 'There is no space left beside the database.']
  if (/no such (table|column)/.test(message)) return ['E_SCHEMA_DRIFT', 'Run the migrations of the application, or correct the mapping.']
  if (/no such (collation sequence|function|module)/.test(message)) {
    return ['E_CAPABILITY', 'Collations and functions that the application registers on its own connection are not known to the connection of a backup.']
  }
  return ['E_STORE_FAILED']
}
