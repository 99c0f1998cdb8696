import { type ErrorCode, HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'

/** What an SDK's error says, whatever the SDK. */
export interface CloudFailure {
  /** HTTP status; undefined when no answer came. */
  readonly status?: number | undefined
  /** The provider's own code: `AccessDenied`, `ContainerNotFound`. */
  readonly code?: string | undefined
  readonly message: string
  readonly retryAfterMs?: number | undefined
}

/** A provider's codes that mean more than their status does. */
export type CloudCodes = Readonly<Record<string, { readonly code: ErrorCode; readonly hint?: string; readonly transient?: boolean }>>

/** Without a status there was no answer: the network. 408 and 429 ask to come again; so does every failure of the server, save "not implemented". */
const TRANSIENT = (status: number | undefined) => status === undefined || status === 408 || status === 429 || (status >= 500 && status !== 501)

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = { 401: 'E_PERMISSION', 403: 'E_PERMISSION', 507: 'E_STORAGE_FULL' }

/** The error of the table for one of a provider. Its cause carries the SDK's error; the message no more than status, code and text. */
export function cloudError(error: unknown, what: string, failure: CloudFailure, codes: CloudCodes): HoldfastError {
  if (isHoldfastError(error)) return error
  const { status, code, retryAfterMs } = failure
  const known = code === undefined ? undefined : codes[code]
  const table = known?.code ?? (status === undefined ? undefined : CODE_OF_STATUS[status]) ?? 'E_STORAGE'
  const said = [status, code].filter((part) => part !== undefined).join(' ')
  return new HoldfastError(table, `${what} failed: ${said === '' ? '' : `${said}: `}${firstLine(failure.message)}`, {
    cause: error,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    details: {
      ...(status === undefined ? {} : { status }),
      ...(code === undefined ? {} : { providerCode: code }),
      ...(table === 'E_STORAGE' ? { transient: known?.transient ?? TRANSIENT(status) } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  })
}

/** Answers may be whole XML documents, and name request ids that differ each time. */
function firstLine(message: string): string {
  const line = message.split('\n', 1)[0]!.trim()
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}

/** Milliseconds that a `retry-after` header asks for. */
export function retryAfterMs(header: string | null | undefined): number | undefined {
  if (header === null || header === undefined || header === '') return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}
