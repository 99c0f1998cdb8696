import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as sdk from '@aws-sdk/client-s3'
import { s3Storage, type S3StorageOptions } from '../../adapters/s3/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { collect } from '../support/collect.ts'
import { notRun } from '../support/not-run.ts'
import { placeSuite } from '../support/place-suite.ts'
import { type ProvidedS3, provideS3 } from '../support/provide-s3.ts'

const server = await provideS3()
const { capabilities } = s3Storage({ bucket: 'any' })
const MIB = 1024 * 1024

if (typeof server === 'string') notRun('S3', server, { required: false })
else {
  console.log(`S3 for the tests: ${server.how}`)
  describe('S3 storage, on a real server', () => onServer(server))
}

function onServer(server: ProvidedS3): void {
  const options = server.options
  const given = server.bucket
  const bucket = given ?? `holdfast-${randomBytes(6).toString('hex')}`
  const admin = new sdk.S3Client({ ...('endpoint' in options ? { region: 'us-east-1', forcePathStyle: true } : {}), ...options })
  const open = (more: Partial<S3StorageOptions> = {}) => s3Storage({ bucket, ...options, ...more })

  beforeAll(async () => {
    if (given === undefined) await admin.send(new sdk.CreateBucketCommand({ Bucket: bucket }))
  })
  afterAll(async () => {
    if (given === undefined) {
      const { Contents = [] } = await admin.send(new sdk.ListObjectsV2Command({ Bucket: bucket }))
      for (const { Key } of Contents) await admin.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key }))
      await admin.send(new sdk.DeleteBucketCommand({ Bucket: bucket }))
    }
    admin.destroy()
    await server.stop()
  })
  const uploads = async () => (await admin.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []

  placeSuite({ capabilities, open: (prefix) => open({ prefix }) })

  it('refuses a body that changed after it was signed, by the SHA-256 that it was signed with', async () => {
    const client = new sdk.S3Client({ region: 'us-east-1', forcePathStyle: 'endpoint' in options, ...options, maxAttempts: 1 })
    const sums: string[][] = []
    let flips = 0
    // The last thing before the request goes out: the signature stands.
    client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body?: unknown; headers: Record<string, string>; path: string }
        if (!(request.body instanceof Uint8Array) || !request.path.endsWith('/body')) return next(args)
        sums.push(Object.keys(request.headers).filter((name) => /^content-md5$|^x-amz-(checksum-|content-sha256$)/.test(name)))
        if (flips-- > 0) request.body = Buffer.from(request.body.map((byte, at) => (at === 7 ? byte ^ 1 : byte)))
        return next(args)
      },
      { step: 'deserialize', priority: 'high', name: 'flips' },
    )
    const storage = s3Storage({ bucket, client, prefix: 'flipped/', retry: { attempts: 2, firstDelayMs: 1 } })
    const body = randomBytes(100_000)
    const sha256 = createHash('sha256').update(body).digest('hex')
    flips = 2
    await expect(storage.put('body', body, { ifAbsent: true, sha256 })).rejects.toMatchObject({
      code: 'E_STORAGE',
      retryable: true,
      details: { status: 400, providerCode: 'XAmzContentSHA256Mismatch', attempts: 2 },
    })
    expect(await storage.stat('body')).toBeNull()
    flips = 1
    await storage.put('body', body, { ifAbsent: true, sha256 })
    expect(Buffer.compare(await storage.get('body'), body)).toBe(0)
    // No other sum was made for it.
    expect(new Set(sums.flat().filter((name) => !name.startsWith('x-amz-checksum-crc32')))).toEqual(new Set(['x-amz-content-sha256']))
    client.destroy()
  })

  it('has no upload left of all that was aborted', async () => {
    await expect.poll(uploads, { timeout: 20_000 }).toEqual([])
  })

  if (given === undefined)
    it('keeps its promises in a bucket with versions and object lock, or is refused there before anything of a backup is stored', async () => {
      const locked = `${bucket}-locked`
      await admin.send(new sdk.CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }))
      const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const
      await admin.send(new sdk.PutObjectLockConfigurationCommand({ Bucket: locked, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }))
      const storage = open({ bucket: locked })
      expect(await storage.place!()).toEqual({ versioning: true, objectLock: true, retention: 'GOVERNANCE, 1 days', archives: false })
      expect(await open().place!()).toEqual({ versioning: false, objectLock: false, retention: null, archives: false })
      const error: unknown = await openRepository({ storage, create: true }).catch((cause: unknown) => cause)
      if (error instanceof HoldfastError) {
        // Ceph 16 does not look at If-None-Match where there are versions.
        expect(error).toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['conditionalPut'] } })
        expect((await collect(storage.list(''))).map(({ key }) => key)).toEqual(['holdfast-probe'])
      } else
        for (const text of ['first', 'second']) {
          await storage.put('a', Buffer.from(text), { ifAbsent: true })
          await expect(storage.put('a', Buffer.from('third'), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
          expect(String(await storage.get('a'))).toBe(text)
          await storage.delete(['a'])
          expect(await storage.stat('a')).toBeNull()
        }
      await storage.close()
    })

  if (given === undefined)
    it('says E_PERMISSION of what a policy keeps, and lets go of the rest', async () => {
      const storage = open({ prefix: 'denied/' })
      const body = Buffer.from('x')
      for (const name of ['kept', 'free', 'other']) await storage.put(name, body, { ifAbsent: true })
      const Statement = [
        { Effect: 'Deny', Principal: '*', Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'], Resource: [`arn:aws:s3:::${bucket}/denied/kept`] },
      ]
      await admin.send(new sdk.PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
      try {
        await expect(storage.delete(['kept'])).rejects.toMatchObject({ code: 'E_PERMISSION' })
        await expect(storage.delete(['free', 'kept', 'other'])).rejects.toMatchObject({ code: 'E_PERMISSION' })
        expect(await storage.stat('kept')).not.toBeNull()
      } finally {
        await admin.send(new sdk.DeleteBucketPolicyCommand({ Bucket: bucket }))
      }
      await storage.delete(['free', 'kept', 'other'])
      expect((await collect(storage.list(''))).map(({ key }) => key)).toEqual(['holdfast-probe'])
      await storage.close()
    })

  it.each(['md5', 'crc32', 'sha256'] as const)('stores and reads with %s, whole and in parts', async (checksum) => {
    const storage = open({ prefix: `sums-${checksum}/`, checksum, partBytes: 5 * MIB })
    for (const size of [0, 1000, 11 * MIB + 3]) {
      const body = randomBytes(size)
      for (const ifAbsent of [false, true]) {
        await storage.put(`${size}-${ifAbsent}`, body, { ifAbsent })
        expect(Buffer.compare(await storage.get(`${size}-${ifAbsent}`), body)).toBe(0)
      }
      await storage.delete([`${size}-true`, `${size}-false`])
    }
    await storage.close()
  })

  it('ends an upload in parts that is aborted, and takes it back', async () => {
    const storage = open({ prefix: 'parts/', partBytes: 5 * MIB })
    for (const ms of [0, 5, 30, 60]) {
      const controller = new AbortController()
      const put = storage.put('aborted', Buffer.alloc(60 * MIB), { ifAbsent: false, signal: controller.signal })
      setTimeout(() => controller.abort(), ms)
      await expect(put).rejects.toMatchObject({ code: 'E_ABORTED' })
    }
    await storage.close()
    await expect.poll(uploads, { timeout: 20_000 }).toEqual([])
    expect(await open({ prefix: 'parts/' }).stat('aborted')).toBeNull()
  })

  describe('says what is wrong', () => {
    const once = { attempts: 1 }
    it('a bucket that is not there', async () => {
      const storage = open({ bucket: `${bucket}-not-there`, retry: once })
      for (const call of [
        () => storage.get('a'),
        () => storage.stat('a'),
        () => storage.put('a', Buffer.from('x'), { ifAbsent: true }),
        () => storage.put('a', Buffer.alloc(20 * MIB), { ifAbsent: false }),
        () => storage.delete(['a']),
        () => storage.delete(['a', 'b']),
        async () => {
          for await (const _ of storage.list(''));
        },
      ])
        await expect(call()).rejects.toMatchObject({ code: 'E_CONFIG', hint: expect.stringContaining('Make the bucket') })
    })

    it('a wrong secret', async () => {
      const storage = open({ credentials: { accessKeyId: 'holdfast', secretAccessKey: 'a-wrong-one' }, retry: once })
      for (const call of [() => storage.get('a'), () => storage.stat('a'), () => storage.put('a', Buffer.from('x'), { ifAbsent: true })]) {
        const error = await call().catch((cause: unknown) => cause)
        expect(error).toMatchObject({ code: 'E_PERMISSION' })
        expect(String(error)).not.toContain('a-wrong-one')
      }
    })
  })
}

describe('s3Storage refuses', () => {
  it.each([
    ['no bucket', { bucket: '' }, '`bucket` is missing'],
    ['an unknown option', { bucket: 'a', prefx: 'a/' }, 'did you mean `prefix`?'],
    ['a sum that it does not know', { bucket: 'a', checksum: 'crc64' }, '`checksum` is'],
    ['parts that are too small', { bucket: 'a', partBytes: 1000 }, '`partBytes` is 1000'],
    ['a class that cannot be read', { bucket: 'a', storageClass: 'DEEP_ARCHIVE' }, 'cannot be read at once'],
    ['options of a client beside a client', { bucket: 'a', client: {}, region: 'x' }, 'has its own region'],
    ['tries of the SDK', { bucket: 'a', clientOptions: { maxAttempts: 3 } }, 'see `retry`'],
  ])('%s', (_, options, message) => {
    expect(() => s3Storage(options as S3StorageOptions)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(message) }))
  })
})
