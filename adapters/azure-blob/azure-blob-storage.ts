import type { AdapterCapabilities, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'
import { type CloudOptions, cloudStorage } from '../cloud/cloud-storage.ts'
import { loadSdk } from '../cloud/load-sdk.ts'
import { PROBE_KEY } from '../cloud/promise-probe.ts'
import { azureDriver, BLOCK_BYTES, MAX_BLOCKS } from './azure-driver.ts'
import type { AzureContainerClient, AzureSdk } from './azure-sdk.ts'

export interface AzureBlobStorageOptions extends CloudOptions {
  /** Name of the container, which must exist. Not with `client`, which knows it. */
  readonly container?: string
  /** As the portal shows it; holds a key. One of `connectionString`, `url` and `client` is needed. */
  readonly connectionString?: string
  /** `https://<account>.blob.core.windows.net`, with a SAS in it or beside a `credential`. */
  readonly url?: string
  /** For `url`: a `TokenCredential` (`new DefaultAzureCredential()` of `@azure/identity`) or a `StorageSharedKeyCredential`. */
  readonly credential?: object
  /** A client of your own, with its own pipeline and tries. */
  readonly client?: AzureContainerClient
  /** Options of the `ContainerClient` that is made: `proxyOptions`, `userAgentOptions` … */
  readonly clientOptions?: Readonly<Record<string, unknown>>
}

const OPTIONS: readonly (keyof AzureBlobStorageOptions)[] = ['container', 'connectionString', 'url', 'credential', 'client', 'clientOptions', 'prefix', 'retry']

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
  maxObjectBytes: BLOCK_BYTES * MAX_BLOCKS,
  maxKeyBytes: 1024,
}

/**
 * Objects as block blobs in a container of Azure Blob Storage. Needs the package `@azure/storage-blob` (12.17 or later), which is loaded with the first call.
 *
 * @throws `E_CONFIG`; the calls of the adapter: `E_CONFIG` when package or container are not there, `E_CAPABILITY` when the place does not keep what is promised.
 */
export function azureBlobStorage(options: AzureBlobStorageOptions): StorageAdapter {
  assertKnownOptions(options, OPTIONS, 'azureBlobStorage')
  const { client, connectionString, url, container, prefix, retry } = options
  if ([client, connectionString, url].filter((given) => given !== undefined).length !== 1)
    throw new HoldfastError('E_CONFIG', 'azureBlobStorage needs one of `connectionString`, `url` and `client`')
  if ((client === undefined) === (container === undefined || container === ''))
    throw new HoldfastError(
      'E_CONFIG',
      client ? 'azureBlobStorage: `client` knows its `container`; leave that out' : 'azureBlobStorage: `container` is missing',
    )
  if (client && (options.clientOptions || options.credential))
    throw new HoldfastError('E_CONFIG', 'azureBlobStorage: `clientOptions` and `credential` are for a client that is made; `client` has its own')
  if (options.clientOptions && 'retryOptions' in options.clientOptions)
    throw new HoldfastError('E_CONFIG', 'azureBlobStorage: `clientOptions.retryOptions` has no effect, since the adapter tries by itself; see `retry`')
  if (options.credential && url === undefined) throw new HoldfastError('E_CONFIG', 'azureBlobStorage: `credential` goes with `url`')
  return cloudStorage({
    name: `azure-blob:${client?.containerName ?? container}`,
    capabilities: CAPABILITIES,
    connect: async () => azureDriver(client ?? (await makeClient(options)), `${prefix ?? ''}${PROBE_KEY}`),
    ...(prefix === undefined ? {} : { prefix }),
    ...(retry === undefined ? {} : { retry }),
  })
}

async function makeClient({ connectionString, url, container, credential, clientOptions }: AzureBlobStorageOptions): Promise<AzureContainerClient> {
  const sdk = await loadSdk<AzureSdk>('@azure/storage-blob', 'azureBlobStorage')
  const ContainerClient = sdk.ContainerClient as new (...args: unknown[]) => AzureContainerClient
  // One try: the adapter makes the others itself, within one budget and one time.
  const settings = { ...clientOptions, retryOptions: { maxTries: 1 } }
  try {
    return connectionString === undefined
      ? new ContainerClient(containerUrl(url!, container!), credential, settings)
      : new ContainerClient(connectionString, container, settings)
  } catch (cause) {
    throw new HoldfastError('E_CONFIG', `azureBlobStorage: ${connectionString === undefined ? '`url`' : '`connectionString`'} is not one that the SDK takes`, {
      cause,
    })
  }
}

/** The SAS, if there is one, stays behind the path. */
function containerUrl(account: string, container: string): string {
  const url = new URL(account)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${container}`
  return url.href
}
