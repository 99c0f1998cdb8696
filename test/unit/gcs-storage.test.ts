import { randomBytes } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { Storage } from '@google-cloud/storage'
import { gcsStorage, type GcsStorageOptions } from '../../adapters/gcs/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { collect } from '../support/collect.ts'
import { failure, startGcsStandIn } from '../support/gcs-stand-in.ts'

const MIB = 1024 * 1024
const fast = { firstDelayMs: 1, longestDelayMs: 1 }
const anew = { ifAbsent: true } as const
const flip = (body: Buffer): Buffer => Buffer.from(body.map((byte, at) => (at === body.byteLength - 60 ? byte ^ 1 : byte)))
const standIn = await startGcsStandIn()
const { objects, sessions, requests, faults } = standIn
const open = (more: Partial<GcsStorageOptions> = {}) => gcsStorage({ bucket: 'bucket', apiEndpoint: standIn.endpoint, partBytes: MIB, retry: fast, ...more })
const held = (name: string): Buffer | undefined => objects.get(name)?.body
const hold = (name: string, body: Buffer) => objects.set(name, { body, created: new Date().toISOString(), resource: { name } })

beforeEach(() => {
  objects.clear()
  sessions.clear()
  requests.length = 0
  for (const name of Object.keys(faults)) delete faults[name as keyof typeof faults]
})
afterAll(() => standIn.stop())

it('a bucket that ignores ifGenerationMatch is refused before anything of a backup is stored', async () => {
  faults.overwrites = true
  await expect(openRepository({ storage: open(), create: true })).rejects.toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['conditionalPut'] } })
  expect([...objects.keys()]).toEqual(['holdfast-probe'])
})

describe('a resumable upload', () => {
  const body = randomBytes(3 * MIB + 5)

  it('goes in pieces, with the class and the sum that were asked for', async () => {
    await open({ storageClass: 'NEARLINE' }).put('a', body, { ifAbsent: false })
    expect(Buffer.compare(held('a')!, body)).toBe(0)
    expect(objects.get('a')!.resource).toMatchObject({ storageClass: 'NEARLINE', md5Hash: expect.any(String) })
    expect(requests).toEqual(['begin', 'piece', 'piece', 'piece', 'piece'])
  })

  it('goes on where the service stands, after a piece that failed', async () => {
    let failures = 1
    faults.after = ({ action }, answer) => (action === 'piece' && requests.length === 3 && failures-- > 0 ? failure(503, 'backendError') : answer)
    await open().put('a', body, { ifAbsent: false })
    expect(Buffer.compare(held('a')!, body)).toBe(0)
    // The second piece had come; its answer had not. It is asked after, not sent again.
    expect(requests).toEqual(['begin', 'piece', 'piece', 'piece', 'piece', 'piece'])
  })

  it('takes no more than the service has kept', async () => {
    faults.arriving = ({ action }, arrived) => (action === 'piece' && requests.length === 2 ? arrived.subarray(0, 1000) : arrived)
    await open().put('a', body, { ifAbsent: false })
    expect(Buffer.compare(held('a')!, body)).toBe(0)
  })

  it('that does not come any further is given up, cancelled, and begun anew', async () => {
    faults.before = ({ action }) => (action === 'piece' ? { status: 308 } : undefined)
    const storage = open({ retry: { ...fast, attempts: 2 } })
    await expect(storage.put('a', body, { ifAbsent: false })).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 2 } })
    await storage.close()
    expect(requests.filter((request) => request === 'begin')).toHaveLength(2)
    expect(sessions.size).toBe(0)
  })

  it('that the service has forgotten is begun anew', async () => {
    let forgotten = false
    faults.before = ({ action }) => {
      if (action !== 'piece' || forgotten) return undefined
      forgotten = true
      return failure(410, 'gone')
    }
    await open().put('a', body, { ifAbsent: false })
    expect(Buffer.compare(held('a')!, body)).toBe(0)
  })

  it('finds the name taken when it ends, though it was free when it began', async () => {
    const first = Buffer.from('first')
    faults.before = ({ action }) => {
      if (action === 'piece' && !held('a')) hold('a', first)
      return undefined
    }
    await expect(open().put('a', body, anew)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    expect(held('a')).toBe(first)
  })

  it('that is aborted ends, and is cancelled', async () => {
    const controller = new AbortController()
    faults.before = ({ action }) => {
      if (action !== 'piece') return undefined
      controller.abort()
      return new Promise(() => {})
    }
    const storage = open()
    await expect(storage.put('a', body, { ifAbsent: false, signal: controller.signal })).rejects.toMatchObject({ code: 'E_ABORTED' })
    await storage.close()
    expect(sessions.size).toBe(0)
    expect(objects.size).toBe(0)
  })
})

describe('an answer that is not to be trusted', () => {
  const body = randomBytes(1000)
  beforeEach(() => void hold('a', body))

  it.each([
    ['the whole object', { headers: {}, body }],
    ['as many bytes of another place', { headers: { 'content-range': 'bytes 0-99/1000' }, body: body.subarray(0, 100) }],
  ])('%s for a range', async (_, other) => {
    faults.after = (_request, answer) => ({ ...answer, ...other })
    await expect(open().get('a', { range: { start: 500, end: 600 } })).rejects.toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['rangeRead'] } })
  })

  it('a body that is cut off, once and always', async () => {
    let cuts = 1
    faults.after = ({ action }, answer) => (action === 'media' && cuts-- > 0 ? { ...answer, cutAt: 10 } : answer)
    expect(Buffer.compare(await open().get('a'), body)).toBe(0)
    cuts = Infinity
    await expect(open().get('a')).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 5 } })
  })

  it('a body that stops to come, and a listing that never does', async () => {
    const storage = open({ retry: { ...fast, attempts: 2, attemptTimeoutMs: 100 } })
    faults.after = (_, answer) => ({ ...answer, stallAt: 10 })
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 2, timeoutMs: 100 } })
    faults.before = () => new Promise(() => {})
    await expect(collect(storage.list(''))).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 2 } })
  })
})

describe('a request that fails', () => {
  it('since its bytes changed on the way is told by their sum, and made again', async () => {
    let flips = 1
    faults.arriving = ({ action }, body) => (action === 'insert' && body.includes('"name":"a"') && flips-- > 0 ? flip(body) : body)
    const body = randomBytes(200)
    await open().put('a', body, anew)
    expect(Buffer.compare(held('a')!, body)).toBe(0)
    flips = Infinity
    await expect(open().put('a', body, { ifAbsent: false })).rejects.toMatchObject({ code: 'E_STORAGE', details: { providerCode: 'badDigest' } })
  })

  it.each([
    [403, 'forbidden', 'E_PERMISSION'],
    [403, 'retentionPolicyNotMet', 'E_PERMISSION'],
    [400, 'invalid', 'E_STORAGE'],
  ])('with %i %s is %s', async (status, reason, code) => {
    faults.before = () => failure(status, reason)
    await expect(open().stat('a')).rejects.toMatchObject({ code, details: { status, providerCode: reason } })
    expect(requests).toHaveLength(1)
  })

  it.each([
    [503, 'backendError'],
    [429, 'rateLimitExceeded'],
    [403, 'userRateLimitExceeded'],
  ])('with %i %s is made again', async (status, reason) => {
    let failures = 3
    faults.before = () => (failures-- > 0 ? failure(status, reason) : undefined)
    expect(await open().stat('a')).toBeNull()
  })

  it('with 409 means that the name is taken when it is', async () => {
    const storage = open()
    await storage.put('a', Buffer.from('x'), anew)
    let conflicts = Infinity
    faults.before = ({ action }) => (action === 'insert' && conflicts-- > 0 ? failure(409, 'conflict') : undefined)
    await expect(storage.put('a', Buffer.from('y'), anew)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    conflicts = 1
    await storage.put('b', Buffer.from('y'), anew)
  })

  it('since the bucket is not there says so', async () => {
    const storage = open({ bucket: 'another' })
    for (const call of [
      () => storage.get('a'),
      () => storage.stat('a'),
      () => storage.put('a', Buffer.from('x'), anew),
      () => storage.put('a', Buffer.alloc(2 * MIB), { ifAbsent: false }),
      () => storage.delete(['a']),
      () => collect(storage.list('')),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'E_CONFIG', hint: expect.stringContaining('Make the bucket') })
  })

  it('since nobody is there is made again, and says why', async () => {
    const storage = open({ apiEndpoint: 'http://127.0.0.1:1', retry: { ...fast, attempts: 2 } })
    await expect(storage.stat('a')).rejects.toMatchObject({
      code: 'E_STORAGE',
      message: expect.stringContaining('fetch failed: '),
      details: { attempts: 2, transient: true },
    })
  })

  it('for want of credentials is not, and does not show those that were wrong', async () => {
    const clientOptions = { useAuthWithCustomEndpoint: true }
    const credentials = { client_email: 'a@example.com', private_key: 'not-a-key' }
    const error = await open({ clientOptions, credentials })
      .stat('a')
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'E_PERMISSION', details: { providerCode: 'credentials' } })
    expect(String(error)).not.toContain('not-a-key')
    expect(requests).toEqual([])
  })
})

it('a client of your own gives its endpoint and its credentials', async () => {
  const authClient = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer from-the-client' }) }
  const client = new Storage({ apiEndpoint: standIn.endpoint, useAuthWithCustomEndpoint: true, authClient: authClient as never })
  const seen: (string | undefined)[] = []
  faults.before = ({ headers }) => {
    seen.push(headers.authorization)
    return undefined
  }
  await gcsStorage({ bucket: 'bucket', client }).stat('a')
  expect(seen).toEqual(['Bearer from-the-client', 'Bearer from-the-client'])
})

describe('gcsStorage refuses', () => {
  it.each([
    ['no bucket', { bucket: '' }, '`bucket` is missing'],
    ['an unknown option', { bucket: 'a', prefx: 'a/' }, 'did you mean `prefix`?'],
    ['parts that are no multiple', { bucket: 'a', partBytes: 1000 }, 'a multiple of 262144'],
    ['options of a client beside a client', { bucket: 'a', client: {}, keyFilename: 'x' }, 'has its own keyFilename'],
    ['tries of the SDK', { bucket: 'a', clientOptions: { retryOptions: {} } }, 'see `retry`'],
  ])('%s', (_, options, message) => {
    expect(() => gcsStorage(options as GcsStorageOptions)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(message) }))
  })
})
