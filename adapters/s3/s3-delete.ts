import { mapOrdered } from '../../src/kernel/map-ordered.ts'
import { s3Failure } from './s3-error.ts'
import type { S3Commands, S3Deletion } from './s3-sdk.ts'

/** As many as one request takes. */
export const DELETES_AT_ONCE = 1000
const SINGLE_AT_ONCE = 8

export interface S3Deletes {
  readonly commands: S3Commands
  readonly bucket: string
  send(command: object, signal: AbortSignal): Promise<unknown>
}

/** Servers that know no request for many objects at once, or want a sum with it that the SDK does not send, are asked for one after the other. */
export async function deleteObjects(deletes: S3Deletes, names: readonly string[], signal: AbortSignal): Promise<void> {
  if (names.length === 1) return deleteOne(deletes, names[0]!, signal)
  const Delete = { Objects: names.map((Key) => ({ Key })), Quiet: true }
  try {
    const { Errors = [] } = (await deletes.send(new deletes.commands.DeleteObjectsCommand({ Bucket: deletes.bucket, Delete }), signal)) as S3Deletion
    const failed = Errors.find(({ Code }) => Code !== 'NoSuchKey')
    if (failed) throw failureOf(failed)
  } catch (error) {
    const { status, code } = s3Failure(error)
    if (status !== 405 && status !== 501 && code !== 'MissingContentMD5') throw error
    const one = (name: string): Promise<void> => deleteOne(deletes, name, signal)
    for await (const _ of mapOrdered(names, SINGLE_AT_ONCE, one));
  }
}

async function deleteOne({ commands, bucket, send }: S3Deletes, name: string, signal: AbortSignal): Promise<void> {
  await send(new commands.DeleteObjectCommand({ Bucket: bucket, Key: name }), signal).catch((error: unknown) => {
    if (s3Failure(error).code !== 'NoSuchKey') throw error
  })
}

/** The error of one name has no status. That of its code decides whether another try is of use. */
function failureOf({ Key, Code, Message }: { readonly Key?: string; readonly Code?: string; readonly Message?: string }): Error {
  const status = Code === 'AccessDenied' ? 403 : Code === 'SlowDown' || Code === 'ServiceUnavailable' ? 503 : Code === 'InternalError' ? 500 : 400
  return Object.assign(new Error(`${Key}: ${Message ?? ''}`), { name: Code ?? 'Error', $metadata: { httpStatusCode: status } })
}
