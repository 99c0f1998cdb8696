import { HoldfastError, isHoldfastError } from '../../../../src/kernel/errors.ts'

/** Where in the stream the server stopped a COPY. */
export interface CopyErrorLocation {
  /** 1-based number of the row in the stream; for `copyIn` the record number. */
  readonly line: number
  /** Column name as the database has it; absent when the whole row was refused (constraint, trigger). */
  readonly column?: string
}

interface ServerError extends Error {
  readonly code?: unknown
  readonly where?: unknown
  readonly severity?: unknown
}

/** Did the server itself say it, so that the connection goes on? */
export function isServerError(error: Error): error is ServerError {
  return typeof (error as ServerError).severity === 'string'
}

/**
 * The row and column that the server blames, read from the `where` of its error (`COPY t, line 42, column x: "…"`). Takes the error of the
 * server or the HoldfastError around it; undefined when it names no row.
 */
export function copyErrorLocation(error: unknown): CopyErrorLocation | undefined {
  const server = isHoldfastError(error) ? error.cause : error
  if (!(server instanceof Error)) return undefined
  const { where } = server as ServerError
  if (typeof where !== 'string') return undefined
  // The name of the table may hold anything, so the match is anchored at the end of the first line, where the value (cut by the server) stands.
  const match = /, line (\d+)(?:, column ([^:\n]+?))?(?::|\n|$)/.exec(where)
  if (!match) return undefined
  return match[2] === undefined ? { line: Number(match[1]) } : { line: Number(match[1]), column: match[2] }
}

/** SQLSTATE class 22 (data exceptions) quotes the offending value in its message, which is a record's value and not for logs. */
const quotesValues = (code: string) => code.startsWith('22')

/** The typed form of what the server, the socket or `pg` said. `cause` is the native error with `code`, `where`, `detail`. */
export function storeFailed(what: string, error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error
  const server = error as Partial<ServerError> | null | undefined
  const code = typeof server?.code === 'string' ? server.code : undefined
  const location = copyErrorLocation(error)
  const place = location ? ` at row ${location.line}${location.column === undefined ? '' : `, column ${location.column}`}` : ''
  const said = code !== undefined && quotesValues(code) ? '' : `: ${server?.message ?? String(error)}`
  return new HoldfastError('E_STORE_FAILED', `${what} failed${place}${code === undefined ? '' : ` (${code})`}${said}`, {
    cause: error,
    details: { ...(code === undefined ? {} : { sqlState: code }), ...location },
  })
}
