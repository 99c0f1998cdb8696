import type { HoldfastError } from '../../src/kernel/errors.ts'
import { type CloudCodes, cloudError, retryAfterMs } from '../cloud/cloud-error.ts'

const REGION_HINT = 'Set `region` (and `endpoint`, where there is one) to those of the bucket.'
const CREDENTIALS_HINT = 'Check `credentials`, or what the SDK finds by itself: environment, profile, role.'

const CODES: CloudCodes = {
  AccessDenied: {
    code: 'E_PERMISSION',
    hint: 'Allow s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects. Object lock denies deletes too.',
  },
  AuthorizationHeaderMalformed: { code: 'E_CONFIG', hint: REGION_HINT },
  BadDigest: { code: 'E_STORAGE', transient: true },
  CredentialsProviderError: { code: 'E_PERMISSION', hint: CREDENTIALS_HINT },
  ExpiredToken: { code: 'E_PERMISSION', hint: CREDENTIALS_HINT },
  InvalidAccessKeyId: { code: 'E_PERMISSION', hint: CREDENTIALS_HINT },
  InvalidBucketName: { code: 'E_CONFIG', hint: 'Check the name of the bucket.' },
  InvalidObjectState: { code: 'E_STORAGE_COLD' },
  NoSuchBucket: { code: 'E_CONFIG', hint: 'Make the bucket first; Holdfast makes none.' },
  PermanentRedirect: { code: 'E_CONFIG', hint: REGION_HINT },
  PreconditionFailed: { code: 'E_STORAGE_EXISTS' },
  QuotaExceeded: { code: 'E_STORAGE_FULL' },
  RequestTimeTooSkewed: { code: 'E_PERMISSION', hint: 'The clock here is wrong by more than 15 minutes.' },
  RequestTimeout: { code: 'E_STORAGE', transient: true },
  SignatureDoesNotMatch: { code: 'E_PERMISSION', hint: CREDENTIALS_HINT },
  XAmzContentSHA256Mismatch: { code: 'E_STORAGE', transient: true },
  XMinioStorageFull: { code: 'E_STORAGE_FULL' },
}

/** The error of the table for one of `@aws-sdk/client-s3`. */
export function s3Error(error: unknown, what: string): HoldfastError {
  const { status, code } = s3Failure(error)
  const { $response: response } = (error ?? {}) as { readonly $response?: { readonly headers?: Readonly<Record<string, string>> } }
  return cloudError(
    error,
    what,
    { status, code, message: error instanceof Error ? error.message : String(error), retryAfterMs: retryAfterMs(response?.headers?.['retry-after']) },
    CODES,
  )
}

/** Status, and code of the service, of a `S3ServiceException`. Answers to HEAD have no body, and so no code but what their status says. */
export function s3Failure(error: unknown): { readonly status: number | undefined; readonly code: string | undefined } {
  if (typeof error !== 'object' || error === null) return { status: undefined, code: undefined }
  const { name, $metadata } = error as { readonly name?: unknown; readonly $metadata?: { readonly httpStatusCode?: unknown } }
  const status = typeof $metadata?.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined
  if (status === 412) return { status, code: 'PreconditionFailed' }
  return { status, code: typeof name === 'string' && name !== 'Error' ? name : undefined }
}
