import { type ErrorCode, HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly hint?: string
}

const ALLOW: Meaning = { code: 'E_PERMISSION', hint: 'Allow kms:Encrypt and kms:Decrypt with the key, and check credentials and region.' }
const RESTING: Meaning = { code: 'E_KEY_MISSING', hint: 'Enable the key in AWS KMS, or cancel its deletion.' }
const OTHER: Meaning = { code: 'E_KEY_WRONG' }
const UNFIT: Meaning = { code: 'E_CONFIG', hint: 'Give the ARN of a symmetric key for encryption.' }

const MEANINGS: Readonly<Record<string, Meaning>> = {
  AccessDeniedException: ALLOW,
  CredentialsProviderError: ALLOW,
  ExpiredTokenException: ALLOW,
  IncompleteSignature: ALLOW,
  InvalidSignatureException: ALLOW,
  UnrecognizedClientException: ALLOW,
  DisabledException: RESTING,
  KMSInvalidStateException: RESTING,
  NotFoundException: { code: 'E_KEY_MISSING', hint: 'There is no such key in this account and region.' },
  IncorrectKeyException: OTHER,
  InvalidCiphertextException: OTHER,
  InvalidArnException: UNFIT,
  InvalidKeyUsageException: UNFIT,
  ValidationException: UNFIT,
}

/** The error of the table for one of `@aws-sdk/client-kms`. What is not known is the service's trouble, and may pass. */
export function kmsError(error: unknown, what: string): HoldfastError {
  if (isHoldfastError(error)) return error
  const { name, message, $metadata } = error as {
    readonly name?: unknown
    readonly message?: unknown
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  const known = typeof name === 'string' ? MEANINGS[name] : undefined
  return new HoldfastError(known?.code ?? 'E_KEY_UNAVAILABLE', `${what} failed: ${String(name)}: ${String(message).split('\n', 1)[0]}`, {
    cause: error,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    details: { providerCode: String(name), ...($metadata?.httpStatusCode === undefined ? {} : { status: $metadata.httpStatusCode }) },
  })
}
