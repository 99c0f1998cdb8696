import type { AdapterCapabilities, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { type CloudOptions, cloudStorage } from '../cloud/cloud-storage.ts'
import { loadSdk } from '../cloud/load-sdk.ts'
import { refuseBesideClient } from '../cloud/own-client.ts'
import { PROBE_KEY } from '../cloud/promise-probe.ts'
import type { S3Checksum } from './s3-checksum.ts'
import { ARCHIVES } from './s3-place.ts'
import { s3Driver } from './s3-driver.ts'
import type { S3Client, S3Sdk } from './s3-sdk.ts'
import { MAX_PARTS } from './s3-upload.ts'

export interface S3StorageOptions extends CloudOptions {
  /** Name of the bucket, which must exist. */
  readonly bucket: string
  /** `https://minio.example:9000`: a server other than Amazon's. */
  readonly endpoint?: string
  /** Default: what the SDK finds (`AWS_REGION`, profile); with an `endpoint` `us-east-1`, which most other servers take. */
  readonly region?: string
  /** The bucket in the path, not in the host name. Default true with an `endpoint`, else false. */
  readonly forcePathStyle?: boolean
  /** `{ accessKeyId, secretAccessKey, sessionToken? }`, or a provider function. Default: what the SDK finds (environment, profile, role). */
  readonly credentials?: object
  /**
   * By which sum the service checks what arrives: `md5` is checked by all of them, `crc32` and `sha256` by Amazon and by newer servers, which give them back with each whole
   * object that is read. Default: the SHA-256 that each request is signed with, which costs nothing, where the service is found to check it; else `md5`.
   */
  readonly checksum?: S3Checksum
  /** Bodies beyond it go in parts of this many bytes. At least 5 MiB. Default 16 MiB. */
  readonly partBytes?: number
  /** Of all objects that are stored: `STANDARD_IA`, `INTELLIGENT_TIERING`, `GLACIER_IR` … Not a class whose objects cannot be read at once. Default: the bucket's. */
  readonly storageClass?: string
  /** A client of your own, with its own tries. Not closed with the storage. */
  readonly client?: S3Client
  /** Options of the `S3Client` that is made: `requestHandler`, `useDualstackEndpoint` … */
  readonly clientOptions?: Readonly<Record<string, unknown>>
}

const OPTIONS: readonly (keyof S3StorageOptions)[] = [
  'bucket',
  'endpoint',
  'region',
  'forcePathStyle',
  'credentials',
  'checksum',
  'partBytes',
  'storageClass',
  'client',
  'clientOptions',
  'prefix',
  'retry',
]
const OF_A_CLIENT = ['endpoint', 'region', 'forcePathStyle', 'credentials', 'clientOptions'] as const
const LEAST_PART_BYTES = 5 * 1024 * 1024
const PART_BYTES = 16 * 1024 * 1024

const CAPABILITIES: AdapterCapabilities = {
  conditionalPut: true,
  multipart: true,
  rangeRead: true,
  checksumOnPut: true,
  strongList: true,
  objectLock: true,
  versioning: true,
  lifecycleTiers: true,
  durable: true,
  shared: true,
  maxObjectBytes: PART_BYTES * MAX_PARTS,
  maxKeyBytes: 1024,
}

/**
 * Objects in a bucket of Amazon S3, or of a server that speaks its language: MinIO, Ceph RGW, Cloudflare R2 … Needs the package `@aws-sdk/client-s3` (3.729 or later), which
 * is loaded with the first call.
 *
 * @throws `E_CONFIG`; the calls of the adapter: `E_CONFIG` when package, region or bucket are not there, `E_CAPABILITY` when the place does not keep what is promised.
 */
export function s3Storage(options: S3StorageOptions): StorageAdapter {
  assertKnownOptions(options, OPTIONS, 's3Storage')
  const { bucket, prefix = '', retry, checksum, partBytes = PART_BYTES, storageClass } = options
  if (typeof bucket !== 'string' || bucket === '') throw new HoldfastError('E_CONFIG', 's3Storage: `bucket` is missing')
  if (checksum !== undefined && !['md5', 'crc32', 'sha256'].includes(checksum))
    throw new HoldfastError('E_CONFIG', 's3Storage: `checksum` is `md5`, `crc32` or `sha256`')
  if (!Number.isInteger(partBytes) || partBytes < LEAST_PART_BYTES)
    throw new HoldfastError('E_CONFIG', `s3Storage: \`partBytes\` is ${partBytes}; a whole number of at least ${LEAST_PART_BYTES} is expected`)
  if (storageClass !== undefined && ARCHIVES.includes(storageClass))
    throw new HoldfastError('E_CONFIG', `s3Storage: objects of \`storageClass\` ${storageClass} cannot be read at once, which a backup needs`, {
      hint: 'Take GLACIER_IR, or let a lifecycle rule of the bucket move old objects.',
    })
  refuseBesideClient('s3Storage', options, OF_A_CLIENT)
  if (options.clientOptions && ('maxAttempts' in options.clientOptions || 'retryStrategy' in options.clientOptions))
    throw new HoldfastError('E_CONFIG', 's3Storage: tries in `clientOptions` have no effect, since the adapter tries by itself; see `retry`')
  return cloudStorage({
    name: `s3:${bucket}`,
    capabilities: { ...CAPABILITIES, maxObjectBytes: partBytes * MAX_PARTS },
    connect: async () => {
      const commands = await loadSdk<S3Sdk>('@aws-sdk/client-s3', 's3Storage')
      const client = options.client ?? (await makeClient(commands, options))
      return s3Driver({ commands, client, ownsClient: !options.client, bucket, checksum, partBytes, storageClass, probeName: prefix + PROBE_KEY })
    },
    prefix,
    ...(retry === undefined ? {} : { retry }),
  })
}

async function makeClient(sdk: S3Sdk, { endpoint, region, forcePathStyle, credentials, clientOptions }: S3StorageOptions): Promise<S3Client> {
  const given = { endpoint, region: region ?? (endpoint === undefined ? undefined : 'us-east-1'), credentials }
  const client = new sdk.S3Client({
    // Servers older than these sums refuse or corrupt what carries them unasked.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...clientOptions,
    // One try: the adapter makes the others itself, within one budget and one time.
    maxAttempts: 1,
  })
  try {
    await client.config.region()
  } catch (cause) {
    throw new HoldfastError('E_CONFIG', 's3Storage: there is no region', { hint: 'Set `region`, or AWS_REGION.', cause })
  }
  return client
}
