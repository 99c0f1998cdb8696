import { createHash } from 'node:crypto'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { mapOrdered } from '../../src/kernel/map-ordered.ts'
import type { CloudDriver } from '../cloud/cloud-driver.ts'
import { assertRangeKept, readBody } from '../cloud/read-body.ts'
import { azureError, azureFailure } from './azure-error.ts'
import type { AzureBlobClient, AzureContainerClient } from './azure-sdk.ts'

/** Largest body that one request carries; beyond it blocks are staged, which nobody sees before they are committed. */
const ONE_REQUEST_BYTES = 32 * 1024 * 1024
export const BLOCK_BYTES = 16 * 1024 * 1024
export const MAX_BLOCKS = 50_000
const BLOCKS_AT_ONCE = 4
const LIST_PAGE = 1000
/** As many as one batch takes. */
const DELETES_AT_ONCE = 256

/** Its blobs must be brought back before they can be read. */
const ARCHIVE = 'Archive'

/** `probeName`: whole name of the object that stands for trying promises. */
export function azureDriver(client: AzureContainerClient, probeName: string): CloudDriver {
  return {
    deletesAtOnce: DELETES_AT_ONCE,
    errorOf: azureError,
    async put(name, body, { ifAbsent, signal }) {
      const blob = client.getBlockBlobClient(name)
      const options = {
        abortSignal: signal,
        blobHTTPHeaders: { blobContentType: 'application/octet-stream', blobContentMD5: md5(body) },
        ...(ifAbsent ? { conditions: { ifNoneMatch: '*' as const } } : {}),
      }
      if (body.byteLength <= ONE_REQUEST_BYTES)
        await blob.upload(body, body.byteLength, { ...options, transactionalContentMD5: options.blobHTTPHeaders.blobContentMD5 })
      else await blob.commitBlockList(await stageBlocks(blob, body, signal), options)
    },
    async get(name, range, signal) {
      try {
        const count = range && range.end - range.start
        const answer = await client.getBlockBlobClient(name).download(range?.start ?? 0, count, { abortSignal: signal })
        const bytes = answer.contentLength ?? 0
        if (range) assertRangeKept(name, range, answer.contentRange, bytes)
        return await readBody((answer.readableStreamBody ?? []) as AsyncIterable<Uint8Array>, bytes, name)
      } catch (error) {
        if (isAbsent(error)) return null
        if (azureFailure(error).status === 416) return Buffer.alloc(0)
        throw error
      }
    },
    async stat(name, signal) {
      try {
        const { contentLength, lastModified, accessTier } = await client.getBlockBlobClient(name).getProperties({ abortSignal: signal })
        return { name, bytes: contentLength ?? 0, modifiedAt: lastModified?.getTime() ?? 0, ...(accessTier === ARCHIVE && { archived: true as const }) }
      } catch (error) {
        if (isAbsent(error)) return null
        throw error
      }
    },
    async list(prefix, from, signal) {
      const settings = { maxPageSize: LIST_PAGE, ...(from === undefined ? {} : { continuationToken: from }) }
      const { value, done } = await client.listBlobsFlat({ prefix, abortSignal: signal }).byPage(settings).next()
      if (done === true) return { objects: [] }
      const objects = value.segment.blobItems.map(({ name, properties }) => ({
        name,
        bytes: properties.contentLength ?? 0,
        modifiedAt: properties.lastModified.getTime(),
        ...(properties.accessTier === ARCHIVE && { archived: true as const }),
      }))
      return { objects, next: value.continuationToken || undefined }
    },
    async place(signal) {
      const about = await client.getProperties({ abortSignal: signal })
      // Only an object tells whether the account keeps versions: it is one.
      const probe = await client
        .getBlockBlobClient(probeName)
        .getProperties({ abortSignal: signal })
        .catch((error: unknown) => {
          if (!isAbsent(error)) throw error
          return null
        })
      const held = [about.hasImmutabilityPolicy && 'an immutability policy', about.hasLegalHold && 'a legal hold'].filter(Boolean)
      return {
        versioning: about.isImmutableStorageWithVersioningEnabled === true || (probe && probe.versionId !== undefined),
        objectLock: held.length > 0 || about.isImmutableStorageWithVersioningEnabled === true,
        retention: held.length > 0 ? held.join(', ') : null,
        archives: null, // rules belong to the account, and are not told here
      }
    },
    async delete(names, signal) {
      const blobs = names.map((name) => client.getBlockBlobClient(name))
      if (blobs.length === 1) {
        await blobs[0]!.delete({ abortSignal: signal }).catch((error: unknown) => {
          if (!isAbsent(error)) throw error
        })
        return
      }
      const { subResponses } = await client.getBlobBatchClient().deleteBlobs(blobs as never[], { abortSignal: signal })
      const failed = subResponses.find(({ status, errorCode }) => status >= 400 && !(status === 404 && errorCode !== 'ContainerNotFound'))
      if (failed) throw Object.assign(new Error(failed.statusMessage), { statusCode: failed.status, code: failed.errorCode })
      if (subResponses.length !== names.length)
        throw new HoldfastError('E_STORAGE', `a batch of ${names.length} deletes was answered for ${subResponses.length} of them`)
    },
    async close() {}, // the SDK keeps connections alive by an agent that all clients share
  }
}

async function stageBlocks(blob: AzureBlobClient, body: Buffer, signal: AbortSignal): Promise<string[]> {
  const offsets = Array.from({ length: Math.ceil(body.byteLength / BLOCK_BYTES) }, (_, n) => n * BLOCK_BYTES)
  // Two writers of one name stage into the same space: names of their own keep one from committing the other's blocks.
  const writer = crypto.randomUUID().replaceAll('-', '')
  const staged = mapOrdered(offsets, BLOCKS_AT_ONCE, async (offset, n) => {
    const id = Buffer.from(`${writer}-${String(n).padStart(6, '0')}`).toString('base64')
    const block = body.subarray(offset, offset + BLOCK_BYTES)
    await blob.stageBlock(id, block, block.byteLength, { abortSignal: signal, transactionalContentMD5: md5(block) })
    return id
  })
  const ids: string[] = []
  for await (const id of staged) ids.push(id)
  return ids
}

/** There is no such blob; a container that is not there is another matter. */
function isAbsent(error: unknown): boolean {
  const { status, code } = azureFailure(error)
  return status === 404 && code !== 'ContainerNotFound'
}

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest()
}
