import { expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { meterStorage } from '../../src/storage/index.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'

it('calls are counted, with bytes, failures and times', async () => {
  let time = 0
  const faulty = new FaultyStorage(memoryStorage(), ({ key }) => (key === 'broken' ? { kind: 'error', when: 'before' } : undefined))
  const storage = meterStorage(faulty, () => (time += 10))
  await storage.put('a', [Buffer.alloc(5), Buffer.alloc(7)], { ifAbsent: true })
  await storage.put('b', Buffer.alloc(30), { ifAbsent: true })
  await expect(storage.put('a', Buffer.alloc(1000), { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
  await storage.get('b', { range: { start: 0, end: 10 } })
  await storage.stat('a')
  await collect(storage.list(''))
  await expect(collect(storage.list('broken'))).rejects.toMatchObject({ code: 'E_STORAGE' })
  for await (const _ of storage.list('')) break
  await storage.delete(['a', 'b'])
  const once = { requests: 1, errors: 0, bytes: 0, totalMs: 10, longestMs: 10 }
  const readings = storage.readings()
  expect(readings).toEqual({
    put: { requests: 3, errors: 1, bytes: 42, totalMs: 30, longestMs: 10 },
    get: { ...once, bytes: 10 },
    stat: once,
    list: { requests: 3, errors: 1, bytes: 0, totalMs: 30, longestMs: 10 },
    delete: once,
    place: { requests: 0, errors: 0, bytes: 0, totalMs: 0, longestMs: 0 },
    quota: { requests: 0, errors: 0, bytes: 0, totalMs: 0, longestMs: 0 },
  })
  await storage.stat('a')
  expect(readings.stat.requests).toBe(1) // a copy
  storage.reset()
  expect(storage.readings().put.requests).toBe(0)
})
