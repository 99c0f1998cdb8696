import { orAborted, throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { mapOrdered } from '../../src/kernel/map-ordered.ts'
import { partSum, type S3Sum, sumOf, uploadSum } from './s3-checksum.ts'
import type { S3Commands, S3Part, S3Upload } from './s3-sdk.ts'

const PARTS_AT_ONCE = 4
export const MAX_PARTS = 10_000
/** An upload that was left must not keep a process that wants to end. */
const CLEAN_UP_MS = 30_000

export interface S3Uploads {
  readonly commands: S3Commands
  readonly checksum: S3Sum
  readonly partBytes: number
  send(command: object, signal: AbortSignal): Promise<unknown>
  /** Told of work that goes on after its caller has gone. */
  later(work: Promise<unknown>): void
}

export interface S3UploadTarget {
  readonly bucket: string
  readonly name: string
  readonly ifAbsent: boolean
  /** Of the whole object: storage class, content type. */
  readonly headers: Readonly<Record<string, unknown>>
}

/**
 * A body in parts. Nobody sees them before the upload is completed, and the completion carries the condition. An upload that fails or is aborted is taken back, so that
 * its parts are not paid for: when its own requests have ended, since a part that arrives later would stay.
 */
export async function uploadInParts(uploads: S3Uploads, target: S3UploadTarget, body: Buffer, signal: AbortSignal): Promise<void> {
  const { commands, checksum } = uploads
  const place = { Bucket: target.bucket, Key: target.name }
  // Not ended by the signal: of an upload that was begun without an answer nobody knows the id.
  const creating = createUpload(uploads, { ...place, ...target.headers, ...uploadSum(checksum) })
  const running: Promise<unknown>[] = []
  const failed = new AbortController()
  const parts = AbortSignal.any([signal, failed.signal])
  const takeBack = async (): Promise<void> => {
    const UploadId = await creating
    await Promise.allSettled(running)
    await uploads.send(new commands.AbortMultipartUploadCommand({ ...place, UploadId }), AbortSignal.timeout(CLEAN_UP_MS))
  }
  const partBytes = Math.max(uploads.partBytes, Math.ceil(body.byteLength / MAX_PARTS))
  const offsets = Array.from({ length: Math.max(1, Math.ceil(body.byteLength / partBytes)) }, (_, n) => n * partBytes)
  let completing = false
  try {
    const UploadId = await orAborted(creating, signal)
    const sent = mapOrdered(offsets, PARTS_AT_ONCE, async (offset, n) => {
      throwIfAborted(parts)
      const part = body.subarray(offset, offset + partBytes)
      const sum = sumOf(part, checksum)
      const command = new commands.UploadPartCommand({ ...place, UploadId, PartNumber: n + 1, Body: part, ContentLength: part.byteLength, ...sum })
      const sending = uploads.send(command, parts)
      running.push(sending)
      const { ETag } = (await sending) as S3Part
      if (ETag === undefined) throw new HoldfastError('E_STORAGE', `part ${n + 1} of ${target.name} was acknowledged without an ETag`)
      return { PartNumber: n + 1, ETag, ...partSum(sum) }
    })
    const Parts: object[] = []
    for await (const part of sent) Parts.push(part)
    completing = true
    const condition = target.ifAbsent ? { IfNoneMatch: '*' } : {}
    await uploads.send(new commands.CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts }, ...condition }), signal)
  } catch (error) {
    failed.abort()
    // Of a completion whose answer was lost the upload may be an object now; taking it back then finds none.
    const done = takeBack().catch(() => {})
    uploads.later(done)
    if (completing && !signal.aborted) await done
    throw error
  }
}

async function createUpload(uploads: S3Uploads, input: Readonly<Record<string, unknown>>): Promise<string> {
  const { UploadId } = (await uploads.send(new uploads.commands.CreateMultipartUploadCommand(input), AbortSignal.timeout(CLEAN_UP_MS))) as S3Upload
  if (UploadId === undefined) throw new HoldfastError('E_STORAGE', `an upload of ${String(input.Key)} was begun without an id`)
  return UploadId
}
