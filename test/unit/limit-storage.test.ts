import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { type LimitOptions, limitStorage } from '../../src/storage/index.ts'

const KIB = 1024

/** Time that passes only while somebody sleeps, as far as the nearest sleeper. */
function rig(options: LimitOptions, base: StorageAdapter = memoryStorage()) {
  let time = 0
  const storage = limitStorage(base, options, {
    now: () => time,
    sleep: async (ms, signals) => {
      if (signals.some(({ aborted }) => aborted)) return
      await new Promise((resolve) => setImmediate(resolve))
      time += ms
    },
  })
  return { base, storage, time: () => time }
}

const put = (storage: StorageAdapter, n: number, bytes: number) => storage.put(`n/${n}`, Buffer.alloc(bytes), { ifAbsent: true })

describe('a limit on bytes', () => {
  it.each(['one after the other', 'all at once'])('is held within 5 % by puts, %s', async (how) => {
    const { storage, time } = rig({ uploadBytesPerSecond: 100 * KIB })
    const many = Array.from({ length: 100 }, (_, n) => n)
    if (how === 'all at once') await Promise.all(many.map((n) => put(storage, n, 50 * KIB)))
    else for (const n of many) await put(storage, n, 50 * KIB)
    const rate = (100 * 50 * KIB) / (time() / 1000)
    expect(rate).toBeGreaterThan(95 * KIB)
    expect(rate).toBeLessThan(105 * KIB)
  })

  it('is held within 5 % by gets', async () => {
    const { base, storage, time } = rig({ downloadBytesPerSecond: 100 * KIB })
    await put(base, 1, 50 * KIB)
    for (let n = 0; n < 100; n++) await storage.get('n/1')
    const rate = (100 * 50 * KIB) / (time() / 1000)
    expect(Math.abs(rate / (100 * KIB) - 1)).toBeLessThan(0.05)
  })

  it('is held within 5 % by the real clock', async () => {
    const storage = limitStorage(memoryStorage(), { uploadBytesPerSecond: 1000 * KIB })
    const started = performance.now()
    for (let n = 0; n < 101; n++) await put(storage, n, 20 * KIB) // the last one need not be paid
    const rate = (100 * 20 * KIB) / ((performance.now() - started) / 1000)
    expect(rate).toBeLessThan(1050 * KIB)
    expect(rate).toBeGreaterThan(700 * KIB) // a busy machine may be slower, never faster
  })

  it('does not touch the other way', async () => {
    const { storage, time } = rig({ uploadBytesPerSecond: 1 })
    await put(storage, 1, 10)
    for (let n = 0; n < 10; n++) await storage.get('n/1')
    expect(time()).toBe(0)
  })

  it('lets go of who is aborted, and of nobody else', async () => {
    const storage = limitStorage(memoryStorage(), { uploadBytesPerSecond: 100 })
    await put(storage, 1, 20)
    const controller = new AbortController()
    const waiting = [2, 3].map((n) => storage.put(`n/${n}`, Buffer.alloc(1), { ifAbsent: true, signal: controller.signal }))
    const other = put(storage, 4, 1)
    controller.abort()
    for (const put of waiting) await expect(put).rejects.toMatchObject({ code: 'E_ABORTED' })
    await other
    expect(await storage.stat('n/2')).toBeNull()
    expect(await storage.stat('n/4')).not.toBeNull()
  })
})

describe('a limit on calls', () => {
  it('is held, in the order in which they came', async () => {
    const base = memoryStorage()
    let now = 0
    let most = 0
    const order: string[] = []
    const slow: StorageAdapter = {
      ...base,
      async stat(key) {
        order.push(key)
        most = Math.max(most, ++now)
        await new Promise((resolve) => setTimeout(resolve, 2))
        now--
        return null
      },
    }
    const storage = limitStorage(slow, { concurrency: 3 })
    const names = Array.from({ length: 20 }, (_, n) => `n/${n}`)
    await Promise.all(names.map((name) => storage.stat(name)))
    expect(most).toBe(3)
    expect(order).toEqual(names)
  })

  it('makes room again after failures and aborts', async () => {
    const storage = limitStorage(memoryStorage(), { concurrency: 1 })
    for (let n = 0; n < 3; n++) await expect(storage.get('absent')).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
    const first = storage.stat('a')
    const controller = new AbortController()
    const aborted = storage.stat('b', { signal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'E_ABORTED' })
    await first
    expect(await storage.stat('c')).toBeNull()
  })

  it('does not stop who reads a listing from reading its objects', async () => {
    const storage = limitStorage(memoryStorage(), { concurrency: 1 })
    await put(storage, 1, 5)
    for await (const { key } of storage.list('')) expect(await storage.get(key)).toHaveLength(5)
  })
})

it.each([
  [{ concurrency: 0 }],
  [{ concurrency: 1.5 }],
  [{ uploadBytesPerSecond: 0 }],
  [{ downloadBytesPerSecond: Number.NaN }],
  [{ uplaod: 5 } as LimitOptions],
])('refuses %o', (options) => {
  expect(() => limitStorage(memoryStorage(), options)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
})
