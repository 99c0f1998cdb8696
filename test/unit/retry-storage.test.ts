import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { RetryOptions } from '../../src/kernel/retry.ts'
import { retryStorage } from '../../src/storage/index.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage, type StorageScript } from '../support/faulty-storage.ts'

const createOnly = { ifAbsent: true } as const
const failed = (when: 'before' | 'after' = 'before') => ({ kind: 'error', when }) as const

function rig(script: StorageScript, options: RetryOptions = {}) {
  const base = memoryStorage()
  const faulty = new FaultyStorage(base, script)
  return { base, faulty, storage: retryStorage(faulty, { firstDelayMs: 1, longestDelayMs: 1, ...options }) }
}

/** The first calls of each method fail. */
const firstFail: StorageScript = ({ n }) => (n === 1 ? failed() : undefined)

describe('what failed for the moment is done again', () => {
  it.each<readonly [string, (storage: StorageAdapter) => Promise<unknown>]>([
    ['put', (storage) => storage.put('b', Buffer.from('b'), createOnly)],
    ['get', (storage) => storage.get('a')],
    ['stat', (storage) => storage.stat('a')],
    ['list', (storage) => collect(storage.list(''))],
    ['delete', (storage) => storage.delete(['a'])],
  ])('%s', async (_, call) => {
    const { base, faulty, storage } = rig(firstFail)
    await base.put('a', Buffer.from('a'), createOnly)
    await call(storage)
    expect(faulty.fired).toBe(1)
    expect(faulty.operations).toHaveLength(2)
  })

  it('but not what another try cannot mend', async () => {
    const { faulty, storage } = rig(() => ({ kind: 'error', when: 'before', error: new HoldfastError('E_PERMISSION', 'denied') }))
    await expect(storage.put('a', Buffer.from('a'), createOnly)).rejects.toMatchObject({ code: 'E_PERMISSION' })
    expect(faulty.operations).toHaveLength(1)
  })

  it('case 20: within a budget that all calls share', async () => {
    const { faulty, storage } = rig(() => failed(), { attempts: 3, budget: 4 })
    for (let n = 0; n < 5; n++) await expect(storage.get('a')).rejects.toMatchObject({ code: 'E_STORAGE' })
    expect(faulty.operations).toHaveLength(5 + 4)
  })
})

describe('a put whose answer was lost', () => {
  it('case 05: is found to have happened by its next try', async () => {
    const { base, faulty, storage } = rig(({ n }) => (n === 1 ? failed('after') : undefined))
    await storage.put('a', [Buffer.from('on'), Buffer.from('ce')], createOnly)
    expect(String(await base.get('a'))).toBe('once')
    expect(faulty.operations.map(({ method }) => method)).toEqual(['put', 'put', 'stat', 'get'])
  })

  it('is found to have happened when no try was acknowledged', async () => {
    const { faulty, storage } = rig(({ method }) => (method === 'put' ? failed('after') : undefined), { attempts: 2 })
    await storage.put('a', Buffer.from('a'), { ifAbsent: false })
    expect(faulty.fired).toBe(2)
  })

  it('is refused when another writer was there', async () => {
    const { base, storage } = rig(firstFail)
    await base.put('a', Buffer.from('theirs'), createOnly)
    await expect(storage.put('a', Buffer.from('ours'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    await expect(storage.put('a', Buffer.from('theirs'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
  })

  it('fails when nothing stands there, or something else', async () => {
    const { base, storage } = rig(({ method }) => (method === 'put' ? failed() : undefined), { attempts: 2 })
    await expect(storage.put('a', Buffer.from('a'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 2 } })
    await base.put('a', Buffer.from('b'), createOnly)
    await expect(storage.put('a', Buffer.from('a'), { ifAbsent: false })).rejects.toMatchObject({ code: 'E_STORAGE' })
  })
})

describe('a storage that does not answer', () => {
  it('is given up after the time of a try', async () => {
    const { faulty, storage } = rig(({ n }) => (n === 1 ? { kind: 'hang' } : undefined), { attemptTimeoutMs: 20 })
    expect(await storage.stat('a')).toBeNull()
    expect(faulty.operations).toHaveLength(2)
  })

  it.each(['get', 'list'] as const)('is left at once when a %s is aborted', async (method) => {
    const { storage } = rig(() => ({ kind: 'hang' }))
    const controller = new AbortController()
    const call = method === 'get' ? storage.get('a', { signal: controller.signal }) : collect(storage.list('', { signal: controller.signal }))
    setTimeout(() => controller.abort(), 10)
    const started = performance.now()
    await expect(call).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('is left at once though it does not listen', async () => {
    const base = memoryStorage()
    const deaf: StorageAdapter = { ...base, list: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) }
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 10)
    await expect(collect(retryStorage(deaf).list('', { signal: controller.signal }))).rejects.toMatchObject({ code: 'E_ABORTED' })
    await expect(collect(retryStorage(deaf, { attempts: 2, attemptTimeoutMs: 5, firstDelayMs: 0 }).list(''))).rejects.toMatchObject({
      code: 'E_STORAGE',
      details: { attempts: 2, timeoutMs: 5 },
    })
  })
})

describe('a listing that fails in the middle', () => {
  const names = Array.from({ length: 500 }, (_, n) => `n/${String(n).padStart(4, '0')}`)

  /** Fails, or stops to answer, after so many objects, each time it is read from the start. */
  async function broken(after: readonly number[], how: 'fails' | 'hangs') {
    const base = memoryStorage()
    for (const name of names) await base.put(name, Buffer.from('x'), createOnly)
    let listings = 0
    const storage: StorageAdapter = {
      ...base,
      async *list(prefix) {
        let left = after[listings++] ?? Infinity
        for await (const stat of base.list(prefix)) {
          if (left-- === 0) {
            if (how === 'hangs') await new Promise(() => {})
            throw new HoldfastError('E_STORAGE', 'gone')
          }
          yield stat
        }
      },
    }
    return { storage, count: () => listings }
  }

  it.each(['fails', 'hangs'] as const)('goes on behind the last name it gave out when it %s', async (how) => {
    const { storage, count } = await broken([0, 7, 250, 499], how)
    const listed = await collect(retryStorage(storage, { attemptTimeoutMs: 50, firstDelayMs: 0 }).list('n/'))
    expect(listed.map(({ key }) => key)).toEqual(names)
    expect(count()).toBe(5)
  })

  it('ends with the error when it gets no further', async () => {
    const { storage } = await broken(new Array(50).fill(300), 'fails')
    const seen: string[] = []
    const reading = (async () => {
      for await (const { key } of retryStorage(storage, { attempts: 3, firstDelayMs: 0 }).list('')) seen.push(key)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 3 } })
    expect(seen).toEqual(names.slice(0, 300))
  })
})

it('options that are none are refused', () => {
  expect(() => retryStorage(memoryStorage(), { atempts: 3 } as RetryOptions)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
})
