import type { PlaceFacts } from '../../src/contracts/storage-adapter.ts'
import { s3Failure } from './s3-error.ts'
import type { S3Commands } from './s3-sdk.ts'

/** Classes whose objects must be brought back before they can be read. */
export const ARCHIVES = ['GLACIER', 'DEEP_ARCHIVE']
/** There is no such configuration: the thing is off. */
const OFF = ['ObjectLockConfigurationNotFoundError', 'NoSuchLifecycleConfiguration']

export interface S3Look {
  readonly commands: S3Commands
  readonly bucket: string
  send(command: object, signal: AbortSignal): Promise<unknown>
}

interface LockAnswer {
  readonly ObjectLockConfiguration?: {
    readonly ObjectLockEnabled?: string
    readonly Rule?: { readonly DefaultRetention?: { readonly Mode?: string; readonly Days?: number; readonly Years?: number } }
  }
}

interface LifecycleAnswer {
  readonly Rules?: readonly { readonly Status?: string; readonly Transitions?: readonly { readonly StorageClass?: string }[] }[]
}

/** What the bucket is like. Needs rights of its own (`s3:GetBucketVersioning`, `s3:GetBucketObjectLockConfiguration`, `s3:GetLifecycleConfiguration`); without one, that is not known. */
export async function s3Place({ commands, bucket: Bucket, send }: S3Look, signal: AbortSignal): Promise<PlaceFacts> {
  const versions = await told<{ readonly Status?: string }>(send(new commands.GetBucketVersioningCommand({ Bucket }), signal))
  const lock = await told<LockAnswer>(send(new commands.GetObjectLockConfigurationCommand({ Bucket }), signal))
  const lifecycle = await told<LifecycleAnswer>(send(new commands.GetBucketLifecycleConfigurationCommand({ Bucket }), signal))
  const { Mode, Days, Years } = (lock && lock !== 'off' && lock.ObjectLockConfiguration?.Rule?.DefaultRetention) || {}
  return {
    versioning: versions && versions !== 'off' && versions.Status === 'Enabled',
    objectLock: lock && lock !== 'off' && lock.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled',
    retention: Mode === undefined ? null : `${Mode}, ${Years === undefined ? `${Days} days` : `${Years} years`}`,
    archives:
      lifecycle &&
      lifecycle !== 'off' &&
      (lifecycle.Rules ?? []).some(
        ({ Status, Transitions = [] }) => Status === 'Enabled' && Transitions.some(({ StorageClass = '' }) => ARCHIVES.includes(StorageClass)),
      ),
  }
}

/** Null when the service does not say: it knows no such request, or these credentials may not ask. */
async function told<T extends object>(answer: Promise<unknown>): Promise<T | 'off' | null> {
  try {
    return ((await answer) ?? {}) as T
  } catch (error) {
    const { status, code } = s3Failure(error)
    if (code !== undefined && OFF.includes(code)) return 'off'
    if (code !== 'NoSuchBucket' && status !== undefined && [400, 403, 404, 405, 501].includes(status)) return null
    throw error
  }
}
