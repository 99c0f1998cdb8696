import { createReadStream } from 'node:fs'
import type { Manifest } from '../archive/index.ts'
import { assertFree } from '../bundle/index.ts'
import type { Logger } from '../contracts/logger.ts'
import { importNdjson } from '../extract/index.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { errno, fileError } from '../kernel/file-error.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertTenant } from './assert-tenant.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import type { BundleFrom, ImportRecordsOptions, ImportReport } from './bundle-service.ts'

export interface ImportRecordsParts {
  readonly repositories: BucketRepositories
  readonly bucketFor: (manifest: Pick<Manifest, 'plan'>) => string
  readonly logger: Logger
}

export async function importRecords(
  from: BundleFrom,
  options: ImportRecordsOptions = {},
  { repositories, bucketFor, logger }: ImportRecordsParts,
): Promise<ImportReport> {
  assertKnownOptions(options, ['bucket', 'scope', 'onProgress', 'signal'] satisfies (keyof ImportRecordsOptions)[], 'an import of records')
  const { bucket: wanted, scope: tenant = null, onProgress, signal } = options
  if (wanted !== undefined) repositories.bucket(wanted)
  if (!(typeof from === 'string' ? from !== '' : typeof from?.[Symbol.asyncIterator] === 'function'))
    throw new HoldfastError('E_CONFIG', 'there are no records to read', { hint: 'Give the path of a file, or a stream of bytes.' })
  const name = typeof from === 'string' ? from : 'the stream'
  let bucket = ''
  let records = 0
  const manifest = await importNdjson(typeof from === 'string' ? fileBytes(from) : from, {
    signal,
    async targetFor(head) {
      assertTenant(head, tenant, name)
      bucket = wanted ?? bucketFor(head)
      const repository = await repositories.openOrCreate(bucket, { signal })
      const target = { repository, scope: repository.scopeOf(tenant), bucket }
      await assertFree(target, head.snapshotId, { signal })
      return target
    },
    onRecords(more) {
      records += more
      if (more > 0) onProgress?.({ records })
    },
  })
  const { snapshotId, plan, totals } = manifest
  logger.info({ snapshotId, from: name, bucket }, 'records imported')
  return { snapshotId, planId: plan.id, bucket, outcome: 'imported', entities: totals.entities, records: totals.rows }
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path)
  } catch (error) {
    if (isHoldfastError(error)) throw error
    if (errno(error) === 'ENOENT') throw new HoldfastError('E_ARCHIVE_MISSING', `${path} is not there`, { hint: 'Check the path.', cause: error })
    throw fileError(error, `reading ${path}`)
  }
}
