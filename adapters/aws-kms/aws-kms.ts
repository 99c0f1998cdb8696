import type { KeyContext, KeyProvider } from '../../src/contracts/key-provider.ts'
import type { AbortableOptions } from '../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { Retrier, type RetryOptions } from '../../src/kernel/retry.ts'
import { loadSdk } from '../cloud/load-sdk.ts'
import { refuseBesideClient } from '../cloud/own-client.ts'
import { kmsError } from './kms-error.ts'
import type { KmsClient, KmsDecrypted, KmsEncrypted, KmsSdk } from './kms-sdk.ts'

export interface AwsKmsOptions {
  /** ARN, or id, of a symmetric key. Not an alias: it may lead to another key one day, which would not open what this one wrapped. */
  readonly keyId: string
  /** Default: the ARN's, else what the SDK finds (`AWS_REGION`, profile). */
  readonly region?: string
  /** A server other than Amazon's. */
  readonly endpoint?: string
  /** `{ accessKeyId, secretAccessKey, sessionToken? }`, or a provider function. Default: what the SDK finds (environment, profile, role). */
  readonly credentials?: object
  /** A client of your own, with its own tries. */
  readonly client?: KmsClient
  /** How often and how long calls are tried. Default 5 times, 10 s each. */
  readonly retry?: RetryOptions
}

const OPTIONS: readonly (keyof AwsKmsOptions)[] = ['keyId', 'region', 'endpoint', 'credentials', 'client', 'retry']
const OF_A_CLIENT = ['region', 'endpoint', 'credentials'] as const
const ATTEMPT_MS = 10_000
const ARN = /^arn:[^:]+:kms:([a-z0-9-]+):\d*:key\/[A-Za-z0-9-]+$/
const ID = /^(mrk-)?[A-Za-z0-9-]{8,}$/

/**
 * A key in AWS KMS that wraps the keys of encrypted repositories: the key itself never leaves the service, which records each use with what it was for (repository, scope, key id:
 * the encryption context, in clear). Needs kms:Encrypt and kms:Decrypt, and the package `@aws-sdk/client-kms`, which is loaded with the first call.
 *
 * @throws `E_CONFIG`; the calls of the provider: `E_KEY_WRONG`, `E_KEY_MISSING` for a key that is not there or disabled, `E_KEY_UNAVAILABLE` after all tries, `E_PERMISSION`
 */
export function awsKms(options: AwsKmsOptions): KeyProvider {
  assertKnownOptions(options, OPTIONS, 'awsKms')
  const { keyId, retry = {} } = options
  if (typeof keyId !== 'string' || (!ARN.test(keyId) && !ID.test(keyId)) || keyId.startsWith('alias'))
    throw new HoldfastError('E_CONFIG', 'awsKms: `keyId` must be the ARN or the id of a key', {
      hint: 'Of an alias: aws kms describe-key --key-id alias/… --query KeyMetadata.Arn',
    })
  refuseBesideClient('awsKms', options, OF_A_CLIENT)
  const retrier = new Retrier({ attemptTimeoutMs: ATTEMPT_MS, ...retry }, { isTransient })
  let connecting: Promise<{ readonly sdk: KmsSdk; readonly client: KmsClient }> | undefined

  async function ask<T>(what: string, command: (sdk: KmsSdk) => object, signal: AbortSignal | undefined): Promise<T> {
    connecting ??= connect(options).catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    const { sdk, client } = await connecting
    try {
      return await retrier.run(
        (attempt) =>
          client.send(command(sdk) as never, { abortSignal: attempt }).then(
            (answer) => answer as T,
            (error: unknown) => Promise.reject(kmsError(error, what)),
          ),
        { signal },
      )
    } catch (error) {
      if (!isHoldfastError(error, 'E_STORAGE')) throw error
      // The time of a try was over, of which the tries know only that.
      throw new HoldfastError('E_KEY_UNAVAILABLE', `${what} failed: ${error.message}`, { cause: error, details: error.details })
    }
  }

  return {
    kind: 'aws-kms',
    reference: keyId,
    opens: true,
    async wrap(key, context, { signal }: AbortableOptions = {}) {
      const input = { KeyId: keyId, Plaintext: key, EncryptionContext: encryptionContext(context) }
      const { CiphertextBlob } = await ask<KmsEncrypted>(`wrapping a key with ${keyId}`, ({ EncryptCommand }) => new EncryptCommand(input), signal)
      if (CiphertextBlob === undefined) throw new HoldfastError('E_KEY_UNAVAILABLE', `${keyId} answered without what it should have wrapped`)
      return CiphertextBlob
    },
    async unwrap(wrapped, context, { signal }: AbortableOptions = {}) {
      const input = { KeyId: keyId, CiphertextBlob: wrapped, EncryptionContext: encryptionContext(context) }
      const { Plaintext } = await ask<KmsDecrypted>(`unwrapping a key with ${keyId}`, ({ DecryptCommand }) => new DecryptCommand(input), signal)
      if (Plaintext === undefined) throw new HoldfastError('E_KEY_UNAVAILABLE', `${keyId} answered without what it should have unwrapped`)
      return Plaintext
    },
  }
}

function isTransient(error: unknown): boolean {
  return isHoldfastError(error, 'E_KEY_UNAVAILABLE') || isHoldfastError(error, 'E_STORAGE')
}

/** Authenticated by the service: a wrap that is copied to another place does not open there. */
function encryptionContext({ repositoryId, scope, purpose, keyId }: KeyContext): Readonly<Record<string, string>> {
  return {
    'holdfast:repository': repositoryId,
    'holdfast:purpose': purpose,
    'holdfast:key': keyId,
    ...(scope === null ? {} : { 'holdfast:scope': scope }),
  }
}

async function connect({ keyId, region = ARN.exec(keyId)?.[1], endpoint, credentials, client }: AwsKmsOptions) {
  const sdk = await loadSdk<KmsSdk>('@aws-sdk/client-kms', 'awsKms')
  const given = Object.entries({ region, endpoint, credentials }).filter(([, value]) => value !== undefined)
  // One try: the provider makes the others itself, within one budget and one time.
  return { sdk, client: client ?? new sdk.KMSClient({ ...Object.fromEntries(given), maxAttempts: 1 }) }
}
