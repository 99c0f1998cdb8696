import { createHash } from 'node:crypto'
import { PROBE_BODY } from '../cloud/promise-probe.ts'
import { s3Failure } from './s3-error.ts'
import type { S3Command, S3Commands } from './s3-sdk.ts'

/** Of every signed request: the SHA-256 of its body, which the signature covers. The SDK takes over what is there, and else goes through the body once more. */
const HEADER = 'x-amz-content-sha256'
/** What a service says that has held a body against it. */
export const MISMATCH = 'XAmzContentSHA256Mismatch'

/** The command, which announces its body by a SHA-256 (hex) that is known already. */
export function announcing<C extends S3Command>(command: C, sha256: string | undefined): C {
  if (sha256 === undefined) return command
  command.middlewareStack.add(
    (next) => (args) => {
      args.request.headers[HEADER] = sha256
      return next(args)
    },
    { step: 'build', name: 'holdfastSignedSum', override: true },
  )
  return command
}

export interface S3SignedSum {
  readonly commands: S3Commands
  readonly bucket: string
  /** Whole name of the object that stands for trying promises. */
  readonly probeName: string
  send(command: object, signal: AbortSignal): Promise<unknown>
}

/**
 * Does the service hold bodies against the SHA-256 that they are signed with? Whether it does depends on the server, and on how a client of one's own signs; so it is sent the probe's object with a
 * wrong one. A service that refuses it for another reason (the right to overwrite, object lock, which wants `Content-MD5`) is not believed either.
 */
export async function checksSignedSum({ commands, bucket, probeName, send }: S3SignedSum, signal: AbortSignal): Promise<boolean> {
  const input = { Bucket: bucket, Key: probeName, Body: PROBE_BODY, ContentLength: PROBE_BODY.byteLength }
  const wrong = createHash('sha256').update('not the body').digest('hex')
  try {
    await send(announcing(new commands.PutObjectCommand(input), wrong), signal)
    return false
  } catch (error) {
    const { status, code } = s3Failure(error)
    if (code === MISMATCH) return true
    if (status === undefined || status === 408 || status === 429 || status >= 500) throw error
    return false
  }
}
