import type { AdapterCapabilities, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { type CloudOptions, cloudStorage } from '../cloud/cloud-storage.ts'
import { loadSdk } from '../cloud/load-sdk.ts'
import { refuseBesideClient } from '../cloud/own-client.ts'
import { gcsDriver } from './gcs-driver.ts'
import type { GcsClient, GcsSdk } from './gcs-sdk.ts'

export interface GcsStorageOptions extends CloudOptions {
  /** Name of the bucket, which must exist; of Firebase `<project>.firebasestorage.app` or `<project>.appspot.com`. */
  readonly bucket: string
  /** Path of a service account's key file. Default: what the SDK finds (GOOGLE_APPLICATION_CREDENTIALS, gcloud, the machine's own account). */
  readonly keyFilename?: string
  /** `{ client_email, private_key }`, in place of a file. */
  readonly credentials?: object
  /** `http://127.0.0.1:9199`: an emulator, which is sent no credentials. */
  readonly apiEndpoint?: string
  /** Bodies beyond it go by resumable upload, in pieces of this many bytes: a multiple of 256 KiB. Default 16 MiB. */
  readonly partBytes?: number
  /** Of all objects that are stored: `NEARLINE`, `COLDLINE` or `ARCHIVE`, which can all be read at once, for a price. Default: the bucket's. */
  readonly storageClass?: string
  /** A `Storage` of your own; of `firebase-admin`: `getStorage().bucket().storage`. Its credentials and its endpoint are used, not its tries. */
  readonly client?: GcsClient
  /** Options of the `Storage` that is made: `authClient`, `universeDomain`, `useAuthWithCustomEndpoint` … */
  readonly clientOptions?: Readonly<Record<string, unknown>>
}

const OPTIONS: readonly (keyof GcsStorageOptions)[] = [
  'bucket',
  'keyFilename',
  'credentials',
  'apiEndpoint',
  'partBytes',
  'storageClass',
  'client',
  'clientOptions',
  'prefix',
  'retry',
]
const OF_A_CLIENT = ['keyFilename', 'credentials', 'apiEndpoint', 'clientOptions'] as const
const PART_UNIT = 256 * 1024
const PART_BYTES = 16 * 1024 * 1024

const CAPABILITIES: AdapterCapabilities = {
  conditionalPut: true,
  multipart: true,
  rangeRead: true,
  checksumOnPut: true,
  strongList: true,
  objectLock: true,
  versioning: true,
  lifecycleTiers: false, // objects of every class can be read at once
  durable: true,
  shared: true,
  maxObjectBytes: 5 * 1024 ** 4,
  maxKeyBytes: 1024,
}

/**
 * Objects in a bucket of Google Cloud Storage, which those of Firebase are too. Needs the package `@google-cloud/storage` (7 or later), which is loaded with the first call.
 *
 * @throws `E_CONFIG`; the calls of the adapter: `E_CONFIG` when package or bucket are not there, `E_CAPABILITY` when the place does not keep what is promised.
 */
export function gcsStorage(options: GcsStorageOptions): StorageAdapter {
  assertKnownOptions(options, OPTIONS, 'gcsStorage')
  const { bucket, prefix, retry, partBytes = PART_BYTES, storageClass } = options
  if (typeof bucket !== 'string' || bucket === '') throw new HoldfastError('E_CONFIG', 'gcsStorage: `bucket` is missing')
  if (!Number.isInteger(partBytes) || partBytes <= 0 || partBytes % PART_UNIT !== 0)
    throw new HoldfastError('E_CONFIG', `gcsStorage: \`partBytes\` is ${partBytes}; a multiple of ${PART_UNIT} is expected`)
  refuseBesideClient('gcsStorage', options, OF_A_CLIENT)
  if (options.clientOptions && 'retryOptions' in options.clientOptions)
    throw new HoldfastError('E_CONFIG', 'gcsStorage: `clientOptions.retryOptions` has no effect, since the adapter tries by itself; see `retry`')
  return cloudStorage({
    name: `gcs:${bucket}`,
    capabilities: CAPABILITIES,
    connect: async () => gcsDriver({ client: options.client ?? (await makeClient(options)), bucket, partBytes, storageClass }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(retry === undefined ? {} : { retry }),
  })
}

async function makeClient({ keyFilename, credentials, apiEndpoint, clientOptions }: GcsStorageOptions): Promise<GcsClient> {
  const { Storage } = await loadSdk<GcsSdk>('@google-cloud/storage', 'gcsStorage')
  const given = Object.entries({ keyFilename, credentials, apiEndpoint }).filter(([, value]) => value !== undefined)
  return new Storage({ ...Object.fromEntries(given), ...clientOptions })
}
