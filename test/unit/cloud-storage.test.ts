import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { retryAfterMs } from '../../adapters/cloud/cloud-error.ts'
import { type CloudOptions, cloudStorage } from '../../adapters/cloud/cloud-storage.ts'
import { loadSdk } from '../../adapters/cloud/load-sdk.ts'
import { assertRangeKept, readBody } from '../../adapters/cloud/read-body.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { answer, cloudDriverStub } from '../support/cloud-driver-stub.ts'
import { collect } from '../support/collect.ts'

const capabilities = { ...memoryStorage().capabilities, shared: true, durable: true }
const FAST = { firstDelayMs: 1, longestDelayMs: 1 }

function storageOver(stub: ReturnType<typeof cloudDriverStub>, options: CloudOptions = {}) {
  return cloudStorage({ name: 'stub:bucket', capabilities, connect: async () => stub.driver, retry: FAST, ...options })
}

describe('what all cloud storages share', () => {
  const stub = cloudDriverStub()
  for (const one of conformanceCases(capabilities)) it(one.name, () => runConformanceCase(one, { open: () => storageOver(stub, { prefix: 'a/b/' }) }))

  it('adds the prefix to every name, takes it off again, and off the longest name', async () => {
    const own = cloudDriverStub()
    const storage = storageOver(own, { prefix: 'team/' })
    await storage.put('x/y', Buffer.from('1'), { ifAbsent: false })
    own.objects.set('other/x', Buffer.from('2'))
    own.objects.set('team/folder/', Buffer.alloc(0)) // as consoles make them
    expect([...own.objects.keys()]).toContain('team/x/y')
    expect((await collect(storage.list(''))).map(({ key }) => key)).toEqual(['x/y'])
    expect(storage.name).toBe('stub:bucket/team')
    expect(storage.capabilities.maxKeyBytes).toBe(capabilities.maxKeyBytes - 5)
  })

  it('refuses a prefix that is a trick or unfinished', () => {
    for (const prefix of ['../', '/', 'a'])
      expect(() => storageOver(stub, { prefix })).toThrow(expect.objectContaining({ code: expect.stringMatching(/E_CONFIG|E_STORAGE_KEY/) }))
  })
})

describe('before the first create-only put the place is probed', () => {
  it('case 19: and one that overwrites is refused before anything of a backup is stored', async () => {
    const stub = cloudDriverStub({ overwrites: true })
    await expect(openRepository({ storage: storageOver(stub), create: true })).rejects.toMatchObject({
      code: 'E_CAPABILITY',
      message: expect.stringContaining('overwrote an object'),
      details: { missing: ['conditionalPut'] },
    })
    expect([...stub.objects.keys()]).toEqual(['holdfast-probe'])
  })

  it('and one that does not list what it holds', async () => {
    const storage = storageOver(cloudDriverStub({ hides: true }))
    await expect(storage.put('a', Buffer.from('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['strongList'] } })
  })

  it('once, for any number of puts; later adapters see at once that the name is taken', async () => {
    const stub = cloudDriverStub()
    const first = storageOver(stub)
    await Promise.all(['a', 'b', 'c'].map((key) => first.put(key, Buffer.from(key), { ifAbsent: true })))
    expect(stub.requests.filter((request) => request === 'put holdfast-probe')).toHaveLength(2)
    stub.requests.length = 0
    await storageOver(stub).put('d', Buffer.from('d'), { ifAbsent: true })
    expect(stub.requests).toEqual(['put holdfast-probe', 'list holdfast-probe', 'put d'])
  })

  it('again after the probe itself failed', async () => {
    const stub = cloudDriverStub()
    const storage = storageOver(stub, { retry: { attempts: 1 } })
    stub.hooks.before = () => {
      throw answer(403)
    }
    await expect(storage.put('a', Buffer.from('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE' })
    stub.hooks.before = () => {}
    await storage.put('a', Buffer.from('x'), { ifAbsent: true })
  })

  it('not for readers', async () => {
    const stub = cloudDriverStub()
    await storageOver(stub).stat('a')
    expect(stub.requests).toEqual(['stat a'])
  })
})

describe('a request that fails', () => {
  const failing = (stub: ReturnType<typeof cloudDriverStub>, times: number, error: () => Error) => {
    let left = times
    stub.hooks.before = (request) => {
      if (request.startsWith('stat') && left-- > 0) throw error()
    }
  }

  it.each([500, 502, 503, 429, 408])('case 20: with %i is made again', async (status) => {
    const stub = cloudDriverStub()
    failing(stub, 3, () => answer(status))
    expect(await storageOver(stub).stat('a')).toBeNull()
    expect(stub.requests).toHaveLength(4)
  })

  it.each([400, 404, 501])('with %i is not', async (status) => {
    const stub = cloudDriverStub()
    failing(stub, 1, () => answer(status))
    await expect(storageOver(stub).stat('a')).rejects.toMatchObject({ code: 'E_STORAGE', details: { status, transient: false } })
    expect(stub.requests).toHaveLength(1)
  })

  it('on one page of a listing is made again for that page alone', async () => {
    const stub = cloudDriverStub()
    for (let n = 0; n < 8; n++) stub.objects.set(`k${n}`, Buffer.alloc(1))
    let failed = false
    stub.hooks.before = (request) => {
      if (request !== 'list k 3' || failed) return
      failed = true
      throw answer(503)
    }
    expect((await collect(storageOver(stub).list('k'))).map(({ key }) => key)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'])
    expect(stub.requests).toEqual(['list k', 'list k 3', 'list k 3', 'list k 6'])
  })

  it('whose answer is lost is told by what it left: exists', async () => {
    const stub = cloudDriverStub()
    let lost = false
    const { put } = stub.driver
    const driver = {
      ...stub.driver,
      async put(...[name, body, options]: Parameters<typeof put>) {
        await put(name, body, options)
        if (name !== 'a' || lost) return
        lost = true
        throw answer(500)
      },
    }
    const storage = cloudStorage({ name: 'stub', capabilities, connect: async () => driver, retry: FAST })
    await expect(storage.put('a', Buffer.from('x'), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    // The archive compares then what stands there with what it wanted to store.
    lost = false
    await expect(openRepository({ storage, create: true })).resolves.toBeTruthy()
  })

  it('to load the SDK may be made again', async () => {
    const stub = cloudDriverStub()
    let tries = 0
    const connect = async () => {
      if (tries++ === 0) throw new Error('not yet')
      return stub.driver
    }
    const storage = cloudStorage({ name: 'stub', capabilities, connect })
    await expect(storage.stat('a')).rejects.toThrow('not yet')
    expect(await storage.stat('a')).toBeNull()
    await storage.close()
    expect(stub.requests.at(-1)).toBe('close')
  })
})

describe('an answer that is not to be trusted', () => {
  it('case 18: a listing out of order', async () => {
    const stub = cloudDriverStub({ disorder: true })
    for (const name of ['a', 'b']) stub.objects.set(name, Buffer.alloc(1))
    await expect(collect(storageOver(stub).list(''))).rejects.toMatchObject({ code: 'E_STORAGE', details: { transient: false } })
  })

  async function* pieces(...sizes: number[]): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield Buffer.alloc(size)
  }
  it('a body that ends early, or late', async () => {
    await expect(readBody(pieces(5, 4), 10, 'a')).rejects.toMatchObject({ code: 'E_STORAGE', message: expect.stringContaining('9 of 10 bytes') })
    await expect(readBody(pieces(5, 6), 10, 'a')).rejects.toMatchObject({ code: 'E_STORAGE' })
    expect(await readBody(pieces(5, 5), 10, 'a')).toHaveLength(10)
  })

  it('case 20: a body that stops to come', async () => {
    const body = new Readable({ read() {} })
    body.push(Buffer.alloc(5))
    await expect(readBody(body, 10, 'a', 20)).rejects.toMatchObject({
      code: 'E_STORAGE',
      message: expect.stringContaining('nothing of its body came for 20 ms'),
    })
    expect(body.destroyed).toBe(true)
  })

  it.each([
    ['the whole object', undefined, 100],
    ['the whole object, as long as what was asked for', undefined, 10],
    ['as many bytes of another place', 'bytes 0-9/100', 10],
    ['more than was asked for', 'bytes 20-30/100', 11],
    ['less, before the end of the object', 'bytes 20-24/100', 5],
    ['less, of an object of unknown length', 'bytes 20-24/*', 5],
    ['another length than is said', 'bytes 20-29/100', 9],
    ['a header of another kind', 'rows 20-29/100', 10],
  ])('%s where a range was asked for', (_, contentRange, bytes) => {
    const refused = () => assertRangeKept('a', { start: 20, end: 30 }, contentRange, bytes)
    expect(refused).toThrow(expect.objectContaining({ code: 'E_CAPABILITY', details: { missing: ['rangeRead'] } }))
  })

  it('but not a range that the end of the object cuts, nor one that is the whole object', () => {
    assertRangeKept('a', { start: 20, end: 30 }, 'bytes 20-29/100', 10)
    assertRangeKept('a', { start: 20, end: 30 }, 'bytes 20-29/*', 10)
    assertRangeKept('a', { start: 20, end: 30 }, 'bytes 20-24/25', 5)
    assertRangeKept('a', { start: 0, end: 30 }, undefined, 25)
    assertRangeKept('a', { start: 0, end: 30 }, undefined, 0)
  })
})

it('an SDK that is not installed is named, with the command that installs it', async () => {
  await expect(loadSdk('@holdfast/no-such-package', 'anyStorage')).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('anyStorage needs the package @holdfast/no-such-package, which is not installed'),
    hint: 'npm install @holdfast/no-such-package',
  })
})

it('a retry-after header is read in both of its forms', () => {
  expect(retryAfterMs('3')).toBe(3000)
  expect(retryAfterMs(new Date(Date.now() + 5000).toUTCString())).toBeGreaterThan(3000)
  for (const none of [undefined, null, '', 'soon', '0']) expect(retryAfterMs(none)).toBeUndefined()
})
