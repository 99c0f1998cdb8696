import { Readable } from 'node:stream'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { mapOrdered } from '../../src/kernel/map-ordered.ts'
import type { CloudDriver } from '../cloud/cloud-driver.ts'
import { assertRangeKept, readBody } from '../cloud/read-body.ts'
import { GcsFailure, gcsError } from './gcs-error.ts'
import { gcsRequests } from './gcs-request.ts'
import type { GcsBucket, GcsClient, GcsListing, GcsObject } from './gcs-sdk.ts'
import { type GcsUpload, uploadAtOnce, uploadResumable } from './gcs-upload.ts'

const LIST_PAGE = 1000
const DELETES_AT_ONCE = 64
const DELETING_AT_ONCE = 8

export interface GcsPlace {
  readonly client: GcsClient
  readonly bucket: string
  readonly partBytes: number
  readonly storageClass: string | undefined
}

export function gcsDriver({ client, bucket, partBytes, storageClass }: GcsPlace): CloudDriver {
  const ask = gcsRequests(client)
  const all = `/storage/v1/b/${encodeURIComponent(bucket)}/o`
  const pathOf = (name: string): string => `${all}/${encodeURIComponent(name)}`
  const leftOver = new Set<Promise<unknown>>()
  let bucketSeen = false
  const later = (work: Promise<unknown>): void => {
    leftOver.add(work)
    void work.finally(() => leftOver.delete(work))
  }

  async function page(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<GcsListing> {
    try {
      const answer = await ask({ path: all, query: { fields: 'items(name,size,timeCreated),nextPageToken', ...query }, signal })
      bucketSeen = true
      return (await answer.json()) as GcsListing
    } catch (error) {
      if (isStatus(error, 404)) throw new GcsFailure(`there is no bucket ${bucket}`, { status: 404, reason: 'noBucket', cause: error })
      throw error
    }
  }

  /** 404 does not say whether object or bucket is absent. */
  async function absent(error: unknown, signal: AbortSignal): Promise<null> {
    if (!isStatus(error, 404)) throw error
    if (!bucketSeen) await page({ maxResults: '1' }, signal)
    return null
  }

  async function stat(name: string, signal: AbortSignal) {
    try {
      const answer = await ask({ path: pathOf(name), query: { fields: 'name,size,timeCreated' }, signal })
      return about((await answer.json()) as GcsObject)
    } catch (error) {
      return absent(error, signal)
    }
  }

  return {
    deletesAtOnce: DELETES_AT_ONCE,
    errorOf: gcsError,
    async put(name, body, { ifAbsent, signal }) {
      const upload: GcsUpload = { ask, path: `/upload${all}`, name, ifAbsent, storageClass }
      try {
        await (body.byteLength > partBytes ? uploadResumable(upload, body, partBytes, signal, later) : uploadAtOnce(upload, body, signal))
      } catch (error) {
        if (isStatus(error, 404)) await absent(error, signal)
        if (!ifAbsent || !isStatus(error, 409)) throw error
        // Somebody else was at the same name at the same time. Has he made it, or taken it away?
        if (await stat(name, signal)) throw new HoldfastError('E_STORAGE_EXISTS', `${name} is taken`, { cause: error })
        throw new HoldfastError('E_STORAGE', `storing ${name} came between other requests for it`, { cause: error, details: { status: 409 } })
      }
    },
    async get(name, range, signal) {
      const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end - 1}` } : {}
      try {
        const answer = await ask({ path: pathOf(name), query: { alt: 'media' }, headers, signal })
        const body = answer.body ? Readable.fromWeb(answer.body) : Readable.from([])
        const bytes = Number(answer.headers.get('content-length') ?? NaN)
        try {
          if (!Number.isSafeInteger(bytes)) throw new HoldfastError('E_STORAGE', `${name} came without its length`)
          if (range) assertRangeKept(name, range, answer.headers.get('content-range') ?? undefined, bytes)
          return await readBody(body, bytes, name)
        } finally {
          body.destroy()
        }
      } catch (error) {
        if (range && isStatus(error, 416)) return Buffer.alloc(0)
        return absent(error, signal)
      }
    },
    stat,
    async list(prefix, from, signal) {
      const { items = [], nextPageToken } = await page({ prefix, maxResults: String(LIST_PAGE), ...(from === undefined ? {} : { pageToken: from }) }, signal)
      return { objects: items.map(about), next: nextPageToken || undefined }
    },
    async place(signal) {
      const fields = 'versioning,retentionPolicy,objectRetention,defaultEventBasedHold'
      const answer = await ask({ path: `/storage/v1/b/${encodeURIComponent(bucket)}`, query: { fields }, signal }).catch((error: unknown) => {
        if (isStatus(error, 404)) throw new GcsFailure(`there is no bucket ${bucket}`, { status: 404, reason: 'noBucket', cause: error })
        if (!isStatus(error, 403)) throw error
        return null // the right to read a bucket's metadata is one of its own (storage.buckets.get)
      })
      if (answer === null) return { versioning: null, objectLock: null, retention: null, archives: false }
      const { versioning, retentionPolicy, objectRetention, defaultEventBasedHold } = (await answer.json()) as GcsBucket
      const rules = [
        retentionPolicy && `${retentionPolicy.retentionPeriod} seconds`,
        defaultEventBasedHold === true && 'an event-based hold on every new object',
      ].filter(Boolean)
      return {
        versioning: versioning?.enabled === true,
        objectLock: rules.length > 0 || objectRetention?.mode === 'Enabled',
        retention: rules.length > 0 ? rules.join(', ') : null,
        archives: false,
      }
    },
    async delete(names, signal) {
      const one = async (name: string): Promise<void> => {
        await ask({ method: 'DELETE', path: pathOf(name), signal }).catch((error: unknown) => absent(error, signal))
      }
      for await (const _ of mapOrdered(names, DELETING_AT_ONCE, one));
    },
    async close() {
      await Promise.allSettled(leftOver) // connections are those of all that use fetch
    },
  }
}

function about({ name, size, timeCreated }: GcsObject) {
  return { name, bytes: Number(size ?? 0), modifiedAt: timeCreated === undefined ? 0 : Date.parse(timeCreated) }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof GcsFailure && error.status === status
}
