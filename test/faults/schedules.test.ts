import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { collect } from '../support/collect.ts'
import { runSchedules } from './schedules/run-schedules.ts'

/** The short form of `node test/faults/schedules/main.ts`, which takes a thousand. `HOLDFAST_SCHEDULES_SEED` shows one again. */
const { HOLDFAST_SCHEDULES_SEED: given } = process.env
const SCHEDULES = given ? 1 : 15
const SEED = given ? Number(given) : Math.floor(Math.random() * 1_000_000_000)

test(
  `${SCHEDULES} random lives of a database over a storage that keeps failing lose nothing, and publish nothing false (seed ${SEED})`,
  { timeout: 300_000 },
  async () => {
    const tally = await runSchedules({ schedules: SCHEDULES, seed: SEED })
    const sum = (start: string) => [...tally].filter(([what]) => what.startsWith(start)).reduce((total, [, count]) => total + count, 0)
    expect(sum('snapshots found whole')).toBeGreaterThan(0)
    if (!given) expect(sum('fault, ')).toBeGreaterThan(20)
  },
)

describe('a faulty storage', () => {
  const createOnly = { ifAbsent: true } as const

  test('changes and cuts what goes through it', async () => {
    const base = memoryStorage()
    await base.put('a', Buffer.from('abcdef'), createOnly)
    const faulty = new FaultyStorage(base, ({ n }) => (n === 1 ? { kind: 'flip', at: 2 } : { kind: 'truncate', bytes: 2 }))
    expect(String(await faulty.get('a'))).not.toBe('abcdef')
    expect(String(await faulty.get('a'))).toBe('abcd')
    faulty.assertFired(2)
    await faulty.put('b', Buffer.from('abcdef'), createOnly)
    expect(String(await base.get('b'))).toBe('abcd')
  })

  test('gives objects twice, or late', async () => {
    const base = memoryStorage()
    await base.put('a', Buffer.from('a'), createOnly)
    const now = Date.now()
    const twice = new FaultyStorage(base, () => ({ kind: 'duplicate' }))
    expect(await collect(twice.list(''))).toHaveLength(2)
    await expect(twice.put('b', Buffer.from('b'), createOnly)).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
    const late = new FaultyStorage(base, () => ({ kind: 'stale', since: now - 1000 }))
    expect(await collect(late.list(''))).toEqual([])
    expect(await late.stat('a')).toBeNull()
    const current = new FaultyStorage(base, () => ({ kind: 'stale', since: now + 60_000 }))
    expect(await collect(current.list(''))).toHaveLength(2)
  })

  test('that did nothing is told of', () => {
    expect(() => new FaultyStorage(memoryStorage()).assertFired()).toThrow('0 faults happened')
  })
})
