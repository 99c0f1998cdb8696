import type { HoldfastError } from '../../src/kernel/errors.ts'
import { type CloudCodes, cloudError, retryAfterMs } from '../cloud/cloud-error.ts'

const CODES: CloudCodes = {
  AccountIsDisabled: { code: 'E_PERMISSION', hint: 'The storage account is disabled, perhaps for an unpaid bill.' },
  AuthenticationFailed: {
    code: 'E_PERMISSION',
    hint: 'Check the key or the SAS and its end; a clock that is wrong by more than 15 minutes, here, is answered in the same way.',
  },
  AuthorizationPermissionMismatch: { code: 'E_PERMISSION', hint: 'Give the identity the role "Storage Blob Data Contributor" on the container.' },
  BlobAlreadyExists: { code: 'E_STORAGE_EXISTS' },
  BlobArchived: { code: 'E_STORAGE_COLD' },
  BlobBeingRehydrated: { code: 'E_STORAGE_COLD', hint: 'The blob is on its way out of the archive tier; that takes hours.' },
  BlobImmutableDueToPolicy: { code: 'E_PERMISSION', hint: 'An immutability policy or a legal hold keeps the blob.' },
  ConditionNotMet: { code: 'E_STORAGE_EXISTS' },
  ContainerBeingDeleted: { code: 'E_CONFIG', hint: 'Choose another container, or wait until it is gone and make it anew.' },
  ContainerDisabled: { code: 'E_PERMISSION', hint: 'The container was disabled by its administrator.' },
  ContainerNotFound: { code: 'E_CONFIG', hint: 'Make the container first; Holdfast makes none.' },
  LeaseIdMissing: { code: 'E_PERMISSION', hint: 'Somebody holds a lease on the blob or the container: break it, or wait for its end.' },
  TargetConditionNotMet: { code: 'E_STORAGE_EXISTS' },
  UnauthorizedBlobOverwrite: { code: 'E_STORAGE_EXISTS' },
}

/** The error of the table for one of `@azure/storage-blob`. */
export function azureError(error: unknown, what: string): HoldfastError {
  const { status, code } = azureFailure(error)
  const retryAfter = (error as { readonly response?: { readonly headers?: { get?(name: string): string | undefined } } }).response?.headers?.get?.(
    'retry-after',
  )
  return cloudError(
    error,
    what,
    { status, code, message: error instanceof Error ? error.message : String(error), retryAfterMs: retryAfterMs(retryAfter) },
    CODES,
  )
}

/** Status, and code of the service, of a `RestError`. Answers to HEAD have no body; their code is in a header, which the SDK reads. */
export function azureFailure(error: unknown): { readonly status: number | undefined; readonly code: string | undefined } {
  if (typeof error !== 'object' || error === null) return { status: undefined, code: undefined }
  const { statusCode, code, details } = error as { readonly statusCode?: unknown; readonly code?: unknown; readonly details?: { readonly errorCode?: unknown } }
  const named = typeof details?.errorCode === 'string' ? details.errorCode : code
  return { status: typeof statusCode === 'number' ? statusCode : undefined, code: typeof named === 'string' ? named : undefined }
}
