import type { HoldfastError } from '../../src/kernel/errors.ts'
import { type CloudCodes, cloudError, retryAfterMs } from '../cloud/cloud-error.ts'

const CODES: CloudCodes = {
  accountDisabled: { code: 'E_PERMISSION', hint: 'The account is disabled, perhaps for an unpaid bill.' },
  badDigest: { code: 'E_STORAGE', transient: true },
  conditionNotMet: { code: 'E_STORAGE_EXISTS' },
  credentials: {
    code: 'E_PERMISSION',
    hint: 'Check `credentials` or `keyFilename`, or what the SDK finds by itself: GOOGLE_APPLICATION_CREDENTIALS, gcloud, the machine.',
  },
  noBucket: { code: 'E_CONFIG', hint: 'Make the bucket first; Holdfast makes none.' },
  objectUnderActiveHold: { code: 'E_PERMISSION', hint: 'A hold keeps the object.' },
  rateLimitExceeded: { code: 'E_STORAGE', transient: true },
  retentionPolicyNotMet: { code: 'E_PERMISSION', hint: 'A retention policy of the bucket keeps the object.' },
  userRateLimitExceeded: { code: 'E_STORAGE', transient: true },
}

/** The service has no reason of its own for bytes that changed on their way. */
const DIGEST = /MD5 hash|CRC32C/

/** An answer of the service that is no success, or none of it at all. */
export class GcsFailure extends Error {
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    parts: { readonly status?: number; readonly reason?: string | undefined; readonly retryAfterMs?: number | undefined; readonly cause?: unknown },
  ) {
    super(message, { cause: parts.cause })
    this.name = 'GcsFailure'
    this.status = parts.status
    this.reason = parts.reason
    this.retryAfterMs = parts.retryAfterMs
  }
}

/** The failure that an answer tells of: in JSON, or in plain text where bytes were asked for. */
export async function failureOf(answer: Response): Promise<GcsFailure> {
  const text = await answer.text()
  const { message, reason } = told(text)
  return new GcsFailure(message, {
    status: answer.status,
    reason: answer.status === 412 ? 'conditionNotMet' : answer.status === 400 && DIGEST.test(message) ? 'badDigest' : reason,
    retryAfterMs: retryAfterMs(answer.headers.get('retry-after')),
  })
}

function told(text: string): { readonly message: string; readonly reason: string | undefined } {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown; readonly errors?: readonly { readonly reason?: unknown }[] } }
    const reason = error?.errors?.[0]?.reason
    return { message: typeof error?.message === 'string' ? error.message : text, reason: typeof reason === 'string' ? reason : undefined }
  } catch {
    return { message: text, reason: undefined }
  }
}

/** The error of the table. */
export function gcsError(error: unknown, what: string): HoldfastError {
  if (error instanceof GcsFailure)
    return cloudError(error, what, { status: error.status, code: error.reason, message: error.message, retryAfterMs: error.retryAfterMs }, CODES)
  // `fetch failed`, says fetch; its cause says why.
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined }
  return cloudError(error, what, { message: cause instanceof Error ? `${message}: ${cause.message}` : message }, CODES)
}
