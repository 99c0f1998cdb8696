import { assertSha256 } from '../cloud/assert-sha256.ts'
import type { CloudDriver } from '../cloud/cloud-driver.ts'
import { PROBE_BODY } from '../cloud/promise-probe.ts'
import { assertRangeKept, readBody } from '../cloud/read-body.ts'
import { type S3Checksum, type S3Sum, sumOf } from './s3-checksum.ts'
import { deleteObjects, DELETES_AT_ONCE } from './s3-delete.ts'
import { s3Error, s3Failure } from './s3-error.ts'
import { ARCHIVES, s3Place } from './s3-place.ts'
import type { S3Client, S3Commands, S3Head, S3Listing, S3Object } from './s3-sdk.ts'
import { announcing, checksSignedSum, MISMATCH } from './s3-signed-sum.ts'
import { type S3UploadTarget, uploadInParts } from './s3-upload.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'

const LIST_PAGE = 1000
/** What one `PutObject` takes, of S3 and of those that follow it. */
const ONE_REQUEST_BYTES = 5 * 1024 ** 3

export interface S3Place {
  readonly commands: S3Commands
  readonly client: S3Client
  /** Made for this adapter, and to be closed with it. */
  readonly ownsClient: boolean
  readonly bucket: string
  /** Undefined: the one that the requests are signed with, where the service checks it, else `md5`. */
  readonly checksum: S3Checksum | undefined
  readonly partBytes: number
  readonly storageClass: string | undefined
  /** Whole name of the object that stands for trying promises. */
  readonly probeName: string
}

export function s3Driver(place: S3Place): CloudDriver {
  const { commands, client, bucket: Bucket } = place
  const leftOver = new Set<Promise<unknown>>()
  const headers = { ContentType: 'application/octet-stream', ...(place.storageClass === undefined ? {} : { StorageClass: place.storageClass }) }
  let bucketSeen = false
  let conditionalParts: boolean | undefined
  let sum: S3Sum | undefined = place.checksum

  const send = (command: object, signal: AbortSignal): Promise<unknown> => client.send(command as never, { abortSignal: signal })
  const uploads = {
    commands,
    partBytes: place.partBytes,
    send,
    later(work: Promise<unknown>) {
      leftOver.add(work)
      void work.finally(() => leftOver.delete(work))
    },
  }

  async function sumToUse(signal: AbortSignal): Promise<S3Sum> {
    sum ??= (await checksSignedSum({ commands, bucket: Bucket, probeName: place.probeName, send }, signal)) ? 'signature' : 'md5'
    return sum
  }

  /**
   * Does the completion of an upload honour `If-None-Match`? Some servers that do for `PutObject` do not there (Ceph before 20), and would overwrite. Asked once, with the
   * probe's object, which is there and whose bytes are those that are sent.
   */
  async function honoursConditionalParts(checksum: S3Sum, signal: AbortSignal): Promise<boolean> {
    try {
      await uploadInParts({ ...uploads, checksum }, { bucket: Bucket, name: place.probeName, ifAbsent: true, headers }, PROBE_BODY, signal)
      return false
    } catch (error) {
      const { status } = s3Failure(error)
      if (status === 412) return true
      if (status === 400 || status === 501) return false
      throw error
    }
  }

  /** Answers to HEAD do not say whether object or bucket is absent. */
  async function assertBucket(signal: AbortSignal): Promise<void> {
    if (bucketSeen) return
    await send(new commands.HeadBucketCommand({ Bucket }), signal).catch((error: unknown) => {
      if (s3Failure(error).status === 404)
        throw Object.assign(new Error(`there is no bucket ${Bucket}`), { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } })
    })
    bucketSeen = true
  }

  async function stat(name: string, signal: AbortSignal) {
    try {
      const head = (await send(new commands.HeadObjectCommand({ Bucket, Key: name }), signal)) as S3Head
      return { name, bytes: head.ContentLength ?? 0, modifiedAt: head.LastModified?.getTime() ?? 0, ...(isArchived(head) && { archived: true as const }) }
    } catch (error) {
      if (s3Failure(error).status !== 404) throw error
      await assertBucket(signal)
      return null
    }
  }

  return {
    deletesAtOnce: DELETES_AT_ONCE,
    errorOf: s3Error,
    provesSha256: async (bytes, signal) => bytes <= place.partBytes && (await sumToUse(signal)) === 'signature',
    async put(name, body, { ifAbsent, sha256, signal }) {
      const checksum = await sumToUse(signal)
      const target: S3UploadTarget = { bucket: Bucket, name, ifAbsent, headers }
      let inParts = body.byteLength > place.partBytes
      if (inParts && ifAbsent) {
        conditionalParts ??= await honoursConditionalParts(checksum, signal)
        if (!conditionalParts) assertOneRequest(name, body.byteLength, Bucket)
        inParts = conditionalParts
      }
      try {
        if (inParts) return await uploadInParts({ ...uploads, checksum }, target, body, signal)
        const condition = ifAbsent ? { IfNoneMatch: '*' } : {}
        const input = { Bucket, Key: name, Body: body, ContentLength: body.byteLength, ...headers, ...sumOf(body, checksum), ...condition }
        await send(announcing(new commands.PutObjectCommand(input), sha256), signal)
      } catch (error) {
        // Changed on the way it may be sent again; changed before, here, not.
        if (sha256 !== undefined && s3Failure(error).code === MISMATCH) await assertSha256(body, sha256, `storing ${name}`)
        if (!ifAbsent || s3Failure(error).status !== 409) throw error
        // Somebody else was at the same name at the same time. Has he made it, or taken it away?
        if (await stat(name, signal)) throw new HoldfastError('E_STORAGE_EXISTS', `${name} is taken`, { cause: error })
        throw new HoldfastError('E_STORAGE', `storing ${name} came between other requests for it`, { cause: error, details: { status: 409 } })
      }
    },
    async get(name, range, signal) {
      const Range = range && `bytes=${range.start}-${range.end - 1}`
      const mode = place.checksum !== undefined && place.checksum !== 'md5' && !range ? { ChecksumMode: 'ENABLED' } : {}
      try {
        const answer = (await send(
          new commands.GetObjectCommand({ Bucket, Key: name, ...(Range === undefined ? {} : { Range }), ...mode }),
          signal,
        )) as S3Object
        const bytes = answer.ContentLength ?? 0
        if (range) assertRangeKept(name, range, answer.ContentRange, bytes)
        return await readBody(answer.Body ?? nothing(), bytes, name)
      } catch (error) {
        const { status, code } = s3Failure(error)
        if (code === 'NoSuchKey') return null
        if (range && status === 416) return Buffer.alloc(0)
        throw error
      }
    },
    stat,
    async list(prefix, from, signal) {
      const input = { Bucket, Prefix: prefix, MaxKeys: LIST_PAGE, ...(from === undefined ? {} : { ContinuationToken: from }) }
      const { Contents = [], IsTruncated, NextContinuationToken } = (await send(new commands.ListObjectsV2Command(input), signal)) as S3Listing
      if (IsTruncated === true && !NextContinuationToken)
        throw new HoldfastError('E_STORAGE', `the listing of ${prefix} ends before its end, without saying how it goes on`)
      const objects = Contents.map(({ Key, Size, LastModified, StorageClass = '' }) => ({
        name: Key ?? '',
        bytes: Size ?? 0,
        modifiedAt: LastModified?.getTime() ?? 0,
        ...(ARCHIVES.includes(StorageClass) && { archived: true as const }),
      }))
      return { objects, next: IsTruncated === true ? NextContinuationToken : undefined }
    },
    place: (signal) => s3Place({ commands, bucket: Bucket, send }, signal),
    delete: (names, signal) => deleteObjects({ commands, bucket: Bucket, send }, names, signal),
    async close() {
      await Promise.allSettled(leftOver)
      if (place.ownsClient) client.destroy()
    },
  }
}

/** In a class that cannot be read, and not brought back for a while. */
function isArchived({ StorageClass = '', Restore = '', ArchiveStatus }: S3Head): boolean {
  return (ARCHIVES.includes(StorageClass) || ArchiveStatus !== undefined) && !Restore.includes('ongoing-request="false"')
}

function assertOneRequest(name: string, bytes: number, bucket: string): void {
  if (bytes <= ONE_REQUEST_BYTES) return
  throw new HoldfastError(
    'E_CAPABILITY',
    `storing ${name} create-only, with its ${bytes} bytes, needs an upload in parts that keeps to If-None-Match, which the server of s3:${bucket} does not`,
    { hint: `Store at most ${ONE_REQUEST_BYTES} bytes an object (\`chunkBytes\`), or use a newer version of the server.`, details: { missing: ['multipart'] } },
  )
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
