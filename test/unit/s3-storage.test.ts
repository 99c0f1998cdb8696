import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import * as sdk from '@aws-sdk/client-s3'
import { s3Storage, type S3StorageOptions } from '../../adapters/s3/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { collect } from '../support/collect.ts'
import { failure, type S3Request, startS3StandIn, xml } from '../support/s3-stand-in.ts'

const MIB = 1024 * 1024
const once = { attempts: 1 }
const fast = { firstDelayMs: 1, longestDelayMs: 1 }
const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
const standIn = await startS3StandIn()
const { objects, uploads, requests, faults } = standIn
const open = (more: Partial<S3StorageOptions> = {}) =>
  s3Storage({ bucket: 'bucket', endpoint: standIn.endpoint, credentials, partBytes: 5 * MIB, retry: fast, ...more })
const anew = { ifAbsent: true } as const
const flip = (body: Buffer): Buffer => Buffer.from(body.map((byte, at) => (at === 7 ? byte ^ 1 : byte)))

beforeEach(() => {
  objects.clear()
  uploads.clear()
  requests.length = 0
  for (const name of Object.keys(faults)) delete faults[name as keyof typeof faults]
})
afterAll(() => standIn.stop())

describe('S3 storage, on a stand-in that does all that S3 does', () => {
  for (const one of conformanceCases(s3Storage({ bucket: 'any' }).capabilities))
    it(one.name, () => runConformanceCase(one, { open: () => open({ prefix: 'suite/' }) }))
})

describe('a server that ignores If-None-Match', () => {
  it('is refused before anything of a backup is stored', async () => {
    faults.overwrites = true
    await expect(openRepository({ storage: open(), create: true })).rejects.toMatchObject({
      code: 'E_CAPABILITY',
      details: { missing: ['conditionalPut'] },
    })
    expect([...objects.keys()]).toEqual(['holdfast-probe'])
  })

  it.each(['overwriting', 'not-implemented'] as const)('for uploads in parts (%s) is sent such bodies in one request', async (completes) => {
    faults.completes = completes
    const storage = open()
    const body = randomBytes(12 * MIB)
    await storage.put('large', body, anew)
    expect(Buffer.compare(objects.get('large')!.body, body)).toBe(0)
    await expect(storage.put('large', randomBytes(12 * MIB), anew)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    expect(Buffer.compare(objects.get('large')!.body, body)).toBe(0)
    expect(requests.filter((request) => request.includes('Part') && request.endsWith('large'))).toEqual([])
    // Where nothing can be overwritten unasked, parts are as good there as anywhere.
    await storage.put('other', body, { ifAbsent: false })
    expect(requests.filter((request) => request === 'UploadPart other')).toHaveLength(3)
    await storage.close()
    expect(uploads.size).toBe(0)
  })

  it('for uploads in parts is asked for that once', async () => {
    const storage = open()
    for (const name of ['a', 'b']) await storage.put(name, randomBytes(6 * MIB), anew)
    expect(requests.filter((request) => request === 'CompleteMultipartUpload holdfast-probe')).toHaveLength(1)
    expect(requests.filter((request) => request.startsWith('UploadPart') && !request.includes('probe'))).toHaveLength(4)
    await expect(storage.put('a', randomBytes(6 * MIB), anew)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    await storage.close()
    expect(uploads.size).toBe(0)
  })
})

describe('an answer that is not to be trusted', () => {
  const body = randomBytes(1000)
  beforeEach(() => void objects.set('a', { body, sums: {} }))

  it.each([
    ['the whole object', { headers: {}, body }],
    ['as many bytes of another place', { headers: { 'content-range': 'bytes 0-99/1000' }, body: body.subarray(0, 100) }],
  ])('%s for a range', async (_, other) => {
    faults.after = (_request, answer) => ({ ...answer, ...other })
    await expect(open().get('a', { range: { start: 500, end: 600 } })).rejects.toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['rangeRead'] } })
  })

  it('a body that is cut off, once and always', async () => {
    let cuts = 1
    faults.after = ({ action }, answer) => (action === 'GetObject' && cuts-- > 0 ? { ...answer, cutAt: 10 } : answer)
    expect(Buffer.compare(await open().get('a'), body)).toBe(0)
    cuts = Infinity
    await expect(open().get('a')).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 5 } })
  })

  it('a body that stops to come', async () => {
    faults.after = (_, answer) => ({ ...answer, stallAt: 10 })
    await expect(open({ retry: { ...fast, attempts: 2, attemptTimeoutMs: 100 } }).get('a')).rejects.toMatchObject({
      code: 'E_STORAGE',
      details: { attempts: 2, timeoutMs: 100 },
    })
  })

  it.each(['crc32', 'sha256'] as const)('a body that is not what %s was stored of', async (checksum) => {
    const storage = open({ checksum })
    await storage.put('b', body, anew)
    faults.after = ({ action }, answer) => (action === 'GetObject' ? { ...answer, body: flip(Buffer.from(answer.body!)) } : answer)
    await expect(storage.get('b')).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 5 } })
  })

  it('a page of a listing that says there is more, but not where', async () => {
    faults.before = () => xml('<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>')
    await expect(collect(open({ retry: once }).list(''))).rejects.toMatchObject({ code: 'E_STORAGE' })
  })
})

describe('the sum that the service checks', () => {
  const body = randomBytes(1000)
  const sha256 = createHash('sha256').update(body).digest('hex')
  const sums = (): readonly string[] => sent.filter(({ key }) => key === 'a').flatMap(({ headers }) => Object.keys(headers).filter((name) => SUMS.test(name)))
  const SUMS = /^content-md5$|^x-amz-checksum-|^x-amz-content-sha256$/
  const sent: S3Request[] = []
  beforeEach(() => {
    sent.length = 0
    faults.before = (request) => {
      if (request.action === 'PutObject') sent.push(request)
      return undefined
    }
  })

  it('is the one that requests are signed with, where it is checked, which is asked once', async () => {
    const storage = open()
    for (const name of ['a', 'b']) await storage.put(name, body, { ...anew, sha256 })
    expect(sums()).toEqual(['x-amz-content-sha256'])
    expect(sent.find(({ key }) => key === 'a')!.headers['x-amz-content-sha256']).toBe(sha256)
    // One with a wrong sum; and two for the promise to create only once.
    expect(sent.filter(({ key }) => key === 'holdfast-probe')).toHaveLength(3)
    await expect(storage.put('c', flip(body), { ...anew, sha256 })).rejects.toMatchObject({ code: 'E_STORAGE', details: { transient: false } })
    expect(sent.filter(({ key }) => key === 'c')).toHaveLength(1)
    expect([...objects.keys()].sort()).toEqual(['a', 'b', 'holdfast-probe'])
  })

  it('of a body whose sum nobody announced is made by the SDK', async () => {
    await open().put('a', body, anew)
    expect(sent.find(({ key }) => key === 'a')!.headers['x-amz-content-sha256']).toBe(sha256)
  })

  it.each(['unread', 'not-enough'] as const)(
    'is Content-MD5 where the other one is %s, and the bytes are held against theirs before they are sent',
    async (signedSums) => {
      faults.signedSums = signedSums
      const storage = open()
      await storage.put('a', body, { ...anew, sha256 })
      expect(sums().toSorted()).toEqual(['content-md5', 'x-amz-content-sha256'])
      await expect(storage.put('c', flip(body), { ...anew, sha256 })).rejects.toMatchObject({ code: 'E_STORAGE', details: { transient: false } })
      expect(sent.filter(({ key }) => key === 'c')).toEqual([])
    },
  )

  it('is asked again after a failure of the moment', async () => {
    let failures = 2
    const note = faults.before!
    faults.before = (request) => (request.key === 'holdfast-probe' && failures-- > 0 ? failure(503, 'SlowDown') : note(request))
    await open().put('a', body, { ...anew, sha256 })
    expect(sums()).toEqual(['x-amz-content-sha256'])
  })

  it('of a body in parts is that of each; the whole is held against its own before it is sent', async () => {
    const large = randomBytes(6 * MIB)
    const storage = open()
    await expect(storage.put('large', large, { ifAbsent: false, sha256 })).rejects.toMatchObject({ code: 'E_STORAGE', details: { transient: false } })
    expect(requests.filter((request) => request.endsWith('large'))).toEqual([])
    await storage.put('large', large, { ifAbsent: false, sha256: createHash('sha256').update(large).digest('hex') })
    expect(Buffer.compare(objects.get('large')!.body, large)).toBe(0)
    await storage.close()
  })
})

describe('a request that fails', () => {
  it('since its bytes changed on the way is told by the sum it is signed with, and made again', async () => {
    let flips = 1
    faults.arriving = ({ action, key }, body) => (action !== 'PutObject' || key !== 'a' || flips-- <= 0 ? body : flip(body))
    const body = randomBytes(100)
    const sha256 = createHash('sha256').update(body).digest('hex')
    await open().put('a', body, { ...anew, sha256 })
    expect(Buffer.compare(objects.get('a')!.body, body)).toBe(0)
    expect(requests.filter((request) => request === 'PutObject a')).toHaveLength(2)
    flips = Infinity
    await expect(open().put('a', body, { ifAbsent: false, sha256 })).rejects.toMatchObject({
      code: 'E_STORAGE',
      retryable: true,
      details: { providerCode: 'XAmzContentSHA256Mismatch', attempts: 5 },
    })
  })

  it.each(['md5', 'crc32', 'sha256'] as const)('since its bytes changed on the way is told by %s, and made again', async (checksum) => {
    let flips = 1
    faults.arriving = ({ action, key }, body) => (action !== 'PutObject' || key !== 'a' || flips-- <= 0 ? body : flip(body))
    const body = randomBytes(100)
    await open({ checksum }).put('a', body, anew)
    expect(Buffer.compare(objects.get('a')!.body, body)).toBe(0)
    expect(requests.filter((request) => request === 'PutObject a')).toHaveLength(2)
    flips = Infinity
    await expect(open({ checksum }).put('a', body, { ifAbsent: false })).rejects.toMatchObject({ code: 'E_STORAGE', details: { providerCode: 'BadDigest' } })
  })

  it('with 503 is made again, after the pause that was asked for, and never more often than said', async () => {
    faults.before = () => failure(503, 'SlowDown', { 'retry-after': '1' })
    const started = performance.now()
    await expect(open({ retry: { attempts: 2, firstDelayMs: 1 } }).stat('a')).rejects.toMatchObject({
      code: 'E_STORAGE',
      retryable: true,
      details: { status: 503, attempts: 2 },
    })
    expect(performance.now() - started).toBeGreaterThan(950)
    expect(requests).toEqual(['HeadObject a', 'HeadObject a'])
  })

  it('at the end of an upload in parts, with status 200, is made again as a whole', async () => {
    let failures = 1
    faults.before = ({ action }) => (action === 'CompleteMultipartUpload' && failures-- > 0 ? { ...failure(500, 'InternalError'), status: 200 } : undefined)
    const storage = open()
    const body = randomBytes(11 * MIB)
    await storage.put('large', body, { ifAbsent: false })
    expect(Buffer.compare(objects.get('large')!.body, body)).toBe(0)
    await storage.close()
    expect(uploads.size).toBe(0)
  })

  it('in one part takes the upload back', async () => {
    faults.before = ({ action, query }) => (action === 'UploadPart' && query.get('partNumber') === '2' ? failure(403, 'AccessDenied') : undefined)
    const storage = open()
    await expect(storage.put('large', randomBytes(21 * MIB), { ifAbsent: false })).rejects.toMatchObject({ code: 'E_PERMISSION' })
    await storage.close()
    expect(uploads.size).toBe(0)
    expect(objects.size).toBe(0)
  })

  it('with 409 means that the name is taken when it is, else it is made again', async () => {
    const storage = open()
    await storage.put('first', Buffer.from('x'), anew)
    let conflicts = 1
    faults.before = ({ action, key }) => (action === 'PutObject' && key === 'free' && conflicts-- > 0 ? failure(409, 'ConditionalRequestConflict') : undefined)
    await storage.put('free', Buffer.from('y'), anew)
    faults.before = ({ action }) => (action === 'PutObject' ? failure(409, 'ConditionalRequestConflict') : undefined)
    await expect(storage.put('first', Buffer.from('z'), anew)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    await expect(storage.put('another', Buffer.from('z'), anew)).rejects.toMatchObject({ code: 'E_STORAGE', details: { status: 409 } })
  })

  it.each([
    ['AccessDenied', 'E_PERMISSION'],
    ['NoSuchBucket', 'E_CONFIG'],
    ['PermanentRedirect', 'E_CONFIG'],
    ['QuotaExceeded', 'E_STORAGE_FULL'],
    ['InvalidObjectState', 'E_STORAGE_COLD'],
    ['RequestTimeTooSkewed', 'E_PERMISSION'],
  ])('with %s is %s', async (code, table) => {
    faults.before = () => failure(code === 'NoSuchBucket' ? 404 : 403, code)
    await expect(open().get('a')).rejects.toMatchObject({ code: table, hint: expect.stringMatching(/\S/), details: { providerCode: code } })
    expect(requests).toHaveLength(1)
  })
})

describe('a request without an answer', () => {
  beforeEach(() => {
    faults.before = ({ action }) => (action === 'ListObjectsV2' || action === 'CreateMultipartUpload' ? new Promise(() => {}) : undefined)
  })

  it('is given up in time', async () => {
    const storage = open({ retry: { ...fast, attempts: 2, attemptTimeoutMs: 50 } })
    await expect(collect(storage.list(''))).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 2 } })
  })

  it.each([
    ['a listing', () => collect],
    ['an upload in parts', () => null],
  ])('%s ends at once when aborted', async (_, listing) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 30)
    const { signal } = controller
    const call = listing() ? collect(open().list('', { signal })) : open().put('large', Buffer.alloc(6 * MIB), { ifAbsent: false, signal })
    const started = performance.now()
    await expect(call).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('deleting', () => {
  it.each([
    [501, 'NotImplemented'],
    [400, 'MissingContentMD5'],
  ])('goes one by one where the request for many is answered with %i', async (status, code) => {
    for (const name of ['a', 'b', 'c']) objects.set(name, { body: Buffer.alloc(1), sums: {} })
    faults.before = ({ action }) => (action === 'DeleteObjects' ? failure(status, code) : undefined)
    await open().delete(['a', 'b', 'absent'])
    expect([...objects.keys()]).toEqual(['c'])
  })

  it('of many tells what one of them failed with', async () => {
    faults.before = ({ action }) =>
      action === 'DeleteObjects' ? xml('<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>') : undefined
    await expect(open().delete(['a', 'b'])).rejects.toMatchObject({ code: 'E_PERMISSION', message: expect.stringContaining('b: no') })
  })
})

it('a client of your own is used as it is, and not closed', async () => {
  const client = new sdk.S3Client({ endpoint: standIn.endpoint, region: 'eu-central-1', forcePathStyle: true, credentials, maxAttempts: 1 })
  const storage = s3Storage({ bucket: 'bucket', client, prefix: 'own/' })
  await storage.put('a', Buffer.from('x'), anew)
  await storage.close()
  expect(String(await s3Storage({ bucket: 'bucket', client }).get('own/a'))).toBe('x')
  client.destroy()
})
