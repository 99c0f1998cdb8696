import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { gcsStorage } from '../../adapters/gcs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { s3Storage } from '../../adapters/s3/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { PlaceFacts, StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { limitStorage, meterStorage, mirrorStorage, retryStorage } from '../../src/storage/index.ts'
import { openSqliteShop, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { failure } from '../support/failure.ts'
import { failure as gcsFailure, startGcsStandIn } from '../support/gcs-stand-in.ts'
import { failure as s3Failure, startS3StandIn, xml } from '../support/s3-stand-in.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const s3 = await startS3StandIn()
const gcs = await startGcsStandIn()
const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
const onS3 = () => s3Storage({ bucket: 'bucket', endpoint: s3.endpoint, credentials, retry: { attempts: 1 } })
const onGcs = () => gcsStorage({ bucket: 'bucket', apiEndpoint: gcs.endpoint, retry: { attempts: 1 } })
const NOTHING: PlaceFacts = { versioning: false, objectLock: false, retention: null, archives: false }

beforeEach(() => {
  s3.objects.clear()
  s3.archived.clear()
  for (const faults of [s3.faults, gcs.faults, gcs.facts]) for (const name of Object.keys(faults)) delete (faults as Record<string, unknown>)[name]
})
afterAll(async () => {
  await s3.stop()
  await gcs.stop()
})

/** Answers of a bucket to what it is asked of itself, by the parameter of the question. */
function bucketSays(answers: Readonly<Record<string, ReturnType<typeof xml>>>): void {
  s3.faults.before = ({ action, query }) => (action === 'ListObjectsV2' ? answers[[...query.keys()].find((name) => name in answers) ?? ''] : undefined)
}

describe('what a bucket of S3 is like', () => {
  it.each([
    [
      'keeps versions, locks and archives',
      {
        versioning: xml('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'),
        'object-lock': xml(
          '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Years>1</Years></DefaultRetention></Rule></ObjectLockConfiguration>',
        ),
        lifecycle: xml(
          '<LifecycleConfiguration><Rule><Status>Enabled</Status><Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition></Rule></LifecycleConfiguration>',
        ),
      },
      { versioning: true, objectLock: true, retention: 'COMPLIANCE, 1 years', archives: true },
    ],
    [
      'has none of it',
      {
        versioning: xml('<VersioningConfiguration></VersioningConfiguration>'),
        'object-lock': s3Failure(404, 'ObjectLockConfigurationNotFoundError'),
        lifecycle: s3Failure(404, 'NoSuchLifecycleConfiguration'),
      },
      NOTHING,
    ],
    [
      'moves objects, but into no archive, and by a rule that is off',
      {
        versioning: xml('<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>'),
        'object-lock': s3Failure(404, 'ObjectLockConfigurationNotFoundError'),
        lifecycle: xml(
          '<LifecycleConfiguration><Rule><Status>Enabled</Status><Transition><StorageClass>STANDARD_IA</StorageClass></Transition></Rule><Rule><Status>Disabled</Status><Transition><StorageClass>GLACIER</StorageClass></Transition></Rule></LifecycleConfiguration>',
        ),
      },
      NOTHING,
    ],
    [
      'does not tell',
      { versioning: s3Failure(403, 'AccessDenied'), 'object-lock': s3Failure(501, 'NotImplemented'), lifecycle: s3Failure(405, 'MethodNotAllowed') },
      { versioning: null, objectLock: null, retention: null, archives: null },
    ],
  ])('it %s', async (_, answers, facts) => {
    bucketSays(answers)
    expect(await onS3().place!()).toEqual(facts)
  })

  it('which fails, or is not there, is no answer', async () => {
    bucketSays({ versioning: s3Failure(503, 'SlowDown') })
    await failure(onS3().place!(), 'E_STORAGE')
    bucketSays({ versioning: s3Failure(404, 'NoSuchBucket') })
    await failure(onS3().place!(), 'E_CONFIG')
  })
})

describe('what a bucket of Google is like', () => {
  it.each([
    ['has nothing', {}, NOTHING],
    [
      'keeps versions and objects',
      { versioning: { enabled: true }, retentionPolicy: { retentionPeriod: '86400' } },
      { ...NOTHING, versioning: true, objectLock: true, retention: '86400 seconds' },
    ],
    ['locks when it is told to', { objectRetention: { mode: 'Enabled' } }, { ...NOTHING, objectLock: true }],
    ['holds all that is new', { defaultEventBasedHold: true }, { ...NOTHING, objectLock: true, retention: 'an event-based hold on every new object' }],
  ])('it %s', async (_, facts, expected) => {
    Object.assign(gcs.facts, facts)
    expect(await onGcs().place!()).toEqual(expected)
  })

  it('is not known without the right to ask; a bucket that is not there is told of', async () => {
    gcs.faults.before = () => gcsFailure(403, 'forbidden')
    expect(await onGcs().place!()).toEqual({ versioning: null, objectLock: null, retention: null, archives: false })
    gcs.faults.before = () => gcsFailure(404, 'notFound')
    await failure(onGcs().place!(), 'E_CONFIG')
  })
})

describe('wrappers', () => {
  it('hand on what the place is like', async () => {
    Object.assign(gcs.facts, { versioning: { enabled: true } })
    for (const wrapped of [retryStorage(onGcs()), limitStorage(onGcs(), { concurrency: 2 }), meterStorage(onGcs())])
      expect(await wrapped.place!()).toEqual({ ...NOTHING, versioning: true })
    const mirror = mirrorStorage({ copies: [{ storage: memoryStorage() }, { storage: onGcs() }] })
    expect(await mirror.place!()).toEqual({ ...NOTHING, versioning: true })
    expect([mirror.capabilities.versioning, mirror.capabilities.lifecycleTiers]).toEqual([true, false])
    expect(meterStorage(memoryStorage()).place).toBeUndefined()
  })
})

describe('with a shop', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let shop: SqliteShop
  const opened: Holdfast[] = []
  const openWith = async (storage: StorageAdapter): Promise<Holdfast> => {
    const plan = definePlan({ id: 'shop', description: 'Orders and all they need', entities: [...SHOP_SCHEMAS] })
    const holdfast = await createHoldfast({ stores: [typeormStore(shop.dataSource)], storage, plans: [plan] })
    opened.push(holdfast)
    return holdfast
  }
  beforeEach(async () => {
    folder = temporaryFolder()
    shop = await openSqliteShop(folder.path)
  })
  afterEach(async () => {
    for (const holdfast of opened.splice(0)) await holdfast.close()
    await shop.dataSource.destroy()
    folder.remove()
  })

  it('a restore that needs archived objects ends before anything is opened, names them, and goes when they were brought back', async () => {
    const holdfast = await openWith(onS3())
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    await shop.dataSource.query('DELETE FROM order_line')
    const chunks = [...s3.objects.keys()].filter((key) => key.includes('/chunks/'))
    for (const key of chunks) s3.archived.set(key, 'GLACIER')
    s3.requests.length = 0
    const error = await failure(holdfast.restores.restore({ snapshot }), 'E_STORAGE_COLD')
    expect(error.details).toMatchObject({ objects: chunks.length, names: chunks.toSorted().slice(0, 100) })
    expect(error.hint).toContain('RestoreObject')
    expect(s3.requests.filter((request) => request.startsWith('GetObject') && request.includes('/chunks/'))).toEqual([])
    expect(await shop.dataSource.query('SELECT COUNT(*) AS n FROM order_line')).toEqual([{ n: 0 }])
    for (const key of chunks) s3.archived.set(key, 'restored')
    expect((await holdfast.restores.restore({ snapshot })).totals.create).toBeGreaterThan(0)
  })

  it('a snapshot whose manifest lies in an archive is told of as such', async () => {
    const holdfast = await openWith(onS3())
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    for (const key of s3.objects.keys()) if (key.endsWith('/manifest')) s3.archived.set(key, 'GLACIER')
    await failure((await openWith(onS3())).restores.restore({ snapshot }), 'E_STORAGE_COLD')
  })

  it('a check shows what a place is like, and a prune that it keeps old versions', async () => {
    Object.assign(gcs.facts, { versioning: { enabled: true }, retentionPolicy: { retentionPeriod: '3600' } })
    const holdfast = await openWith(onGcs())
    await holdfast.backups.run('shop')
    const [check] = await holdfast.storages.check({ pageObjects: 110 })
    expect(check).toMatchObject({ ok: true, freeBytes: null, place: { versioning: true, objectLock: true, retention: '3600 seconds', archives: false } })
    expect((await holdfast.discovery.prune()).buckets).toMatchObject([{ keepsVersions: true }])
    gcs.faults.before = ({ action }) => (action === 'bucket' ? gcsFailure(403, 'forbidden') : undefined)
    expect((await holdfast.discovery.prune({ dryRun: true })).buckets).toMatchObject([{ keepsVersions: null }])
    const onFiles = await openWith(fsStorage({ root: `${folder.path}/backups` }))
    const [files] = await onFiles.storages.check({ pageObjects: 10 })
    expect(files).toMatchObject({ ok: true, place: null, freeBytes: expect.any(Number) })
    expect((await onFiles.discovery.prune({ dryRun: true })).buckets.map(({ keepsVersions }) => keepsVersions)).not.toContain(true)
  }, 180_000)
})
