import { hasRgw, startRgw } from './rgw-server.ts'

export interface ProvidedS3 {
  readonly how: string
  /** Options of `s3Storage`, but for the bucket. */
  readonly options: {
    readonly endpoint?: string
    readonly region?: string
    readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
  /** One that is there and may be used, for an account where none may be made; else the tests make and delete their own. */
  readonly bucket?: string
  stop(): Promise<void>
}

const MINIO = 'minio/minio:RELEASE.2025-04-22T22-12-26Z'
const KEYS = { accessKeyId: 'holdfast', secretAccessKey: 'only-for-tests' }
const PACKAGES = 'ceph-mon ceph-osd radosgw'

/**
 * An S3 server that honours `If-None-Match`: with HOLDFAST_TEST_S3_BUCKET that bucket, of Amazon S3 or, with HOLDFAST_TEST_S3_ENDPOINT, of another server; region and credentials are
 * those that the SDK finds (`AWS_REGION`, `AWS_ACCESS_KEY_ID` …). Else MinIO in a container where Docker runs, else Ceph RGW of Debian's packages. The reason as a string
 * when there is none.
 */
export async function provideS3(): Promise<ProvidedS3 | string> {
  const { HOLDFAST_TEST_S3_BUCKET: bucket, HOLDFAST_TEST_S3_ENDPOINT: endpoint } = process.env
  if (bucket) return { how: 'HOLDFAST_TEST_S3_BUCKET', bucket, options: endpoint ? { endpoint } : {}, stop: async () => {} }
  const container = await startContainer()
  if (container) return container
  if (!hasRgw) return `no HOLDFAST_TEST_S3_BUCKET, no Docker, and no Ceph RGW (apt-get install --no-install-recommends ${PACKAGES})`
  const { endpoint: address, accessKeyId, secretAccessKey, stop } = await startRgw()
  return { how: "Debian's radosgw", options: { endpoint: address, credentials: { accessKeyId, secretAccessKey } }, stop }
}

async function startContainer(): Promise<ProvidedS3 | null> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  try {
    await getContainerRuntimeClient()
  } catch {
    return null // no Docker here; the packages are next
  }
  const container = await new GenericContainer(MINIO)
    .withCommand(['server', '/data'])
    .withEnvironment({ MINIO_ROOT_USER: KEYS.accessKeyId, MINIO_ROOT_PASSWORD: KEYS.secretAccessKey })
    .withExposedPorts(9000)
    .withWaitStrategy(Wait.forHttp('/minio/health/ready', 9000))
    .start()
  return {
    how: `a container of ${MINIO}`,
    options: { endpoint: `http://${container.getHost()}:${container.getMappedPort(9000)}`, credentials: KEYS },
    stop: async () => void (await container.stop()),
  }
}
