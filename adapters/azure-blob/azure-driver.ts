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

export function azureDriver(client: AzureContainerClient): CloudDriver {
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
        if (count !== undefined) assertRangeKept(name, count, bytes)
        return await readBody((answer.readableStreamBody ?? []) as AsyncIterable<Uint8Array>, bytes, name)
      } catch (error) {
        if (isAbsent(error)) return null
        if (azureFailure(error).status === 416) return Buffer.alloc(0)
        throw error
      }
    },
    async stat(name, signal) {
      try {
        const { contentLength, lastModified } = await client.getBlockBlobClient(name).getProperties({ abortSignal: signal })
        return { name, bytes: contentLength ?? 0, modifiedAt: lastModified?.getTime() ?? 0 }
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
      }))
      return { objects, next: value.continuationToken || undefined }
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
