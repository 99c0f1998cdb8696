import type { ErrorCode } from '../../src/kernel/errors.ts'

/**
 * The HTTP status of every error. 4xx: the request or the state it meets is at fault, and sending it again as it is changes nothing, but for
 * `E_RESTORE_MOVED`, where the state itself is moving. 503 and 507: the same request may succeed later. 500 and 501: the operator has to act.
 */
export const ERROR_STATUS: Readonly<Record<ErrorCode, number>> = {
  E_ABORTED: 503,
  E_ARCHIVE_CORRUPT: 500,
  E_ARCHIVE_FORMAT: 500,
  E_ARCHIVE_MISSING: 500,
  E_BUSY: 503,
  E_CAPABILITY: 501,
  E_CONFIG: 400,
  E_CONSISTENCY: 409,
  E_DIALECT: 409,
  E_ENTITY_UNKNOWN: 404,
  E_FORBIDDEN: 403,
  E_HIDDEN_ROWS: 409,
  E_INTERNAL: 500,
  E_MAPPING: 500,
  E_PERMISSION: 500, // the server's own right in the database or storage, not the caller's: a 403 would mislead
  E_PLAN_CHANGED: 409,
  E_PLAN_INVALID: 500,
  E_PLAN_UNKNOWN: 404,
  E_RECORD: 500,
  E_REQUEST: 400,
  E_RESTORE_CONFLICT: 409,
  E_RESTORE_EMPTY: 409,
  E_RESTORE_MOVED: 409,
  E_RESTORE_PARTIAL: 409,
  E_RESTORE_REJECTED: 409,
  E_SCHEMA_DRIFT: 409,
  E_SESSION_CLOSED: 409,
  E_SESSION_FENCED: 409,
  E_SESSION_PAUSED: 409,
  E_SESSION_UNKNOWN: 404,
  E_SNAPSHOT_UNKNOWN: 404,
  E_STORAGE: 503,
  E_STORAGE_EXISTS: 500,
  E_STORAGE_FULL: 507,
  E_STORAGE_KEY: 500,
  E_STORAGE_UNKNOWN: 500,
  E_STORE_FAILED: 503,
  E_STORE_UNKNOWN: 404,
  E_TOKEN_INVALID: 400,
  E_UNAUTHENTICATED: 401,
}
