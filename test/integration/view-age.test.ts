import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { BackupPolicy } from '../../src/plan/backup-policy.ts'
import { NO_SOURCE_LIMITS } from '../../src/plan/source-limits.ts'
import { backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { bankFaults, bankStore, createBank, startTransfers } from '../support/bank.ts'
import { failure } from '../support/failure.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

function shop(policy: Partial<BackupPolicy>) {
  const store = shopStore(300)
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 400, requireConsistency: 'snapshot', ...policy } }) })
  return { store, rig }
}

describe('a view that is held for too long', () => {
  it('is told of, in the session and in the manifest, and kept', async () => {
    const { store, rig } = shop({ maxViewAgeMs: 30 })
    store.step = async ({ call }) => void (call === 'read' && (await sleep(2)))
    const session = await rig.start()
    await vi.waitFor(() => expect(session.current.warnings).toHaveLength(1))
    const result = await session.result()
    expect(store.seen.views).toBe(1)
    expect(result.warnings).toEqual([expect.stringMatching(/held for longer than 30 ms \(maxViewAgeMs\)/)])
    expect((await rig.manifest(result.snapshotId)).consistency.warnings).toEqual(result.warnings)
  })

  it('is told of by nobody when it was closed in time', async () => {
    const { rig } = shop({})
    const { warnings } = await (await rig.start()).result()
    expect(warnings).toEqual([])
  })

  it('is given up for another as long as that brings the run further, and the snapshot is the truth of the last one', async () => {
    const { store, rig } = shop({ maxViewAgeMs: 60, whenViewAges: 'reopen', concurrency: 2 })
    let changes = 0
    store.step = async ({ call }) => {
      if (call === 'openView' && changes++ > 0) store.put('Order', orderRow(changes, 'written between two views'), orderRow(5000 + changes))
      if (call === 'read') await sleep(3)
    }
    const result = await (await rig.start()).result()
    store.step = () => {}
    expect(store.seen.views).toBeGreaterThan(2)
    expect(result.warnings.length).toBeGreaterThanOrEqual(store.seen.views - 1)
    expect(result.consistency).toBe('snapshot')
    const manifest = await rig.manifest(result.snapshotId)
    expect(manifestFaults(manifest)).toEqual([])
    expect(await Promise.all(SHOP_ENTITIES.map((entity) => rig.lines(manifest, entity)))).toEqual(SHOP_ENTITIES.map((entity) => store.lines(entity)))
    expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
  })

  it('is kept at last when giving it up leads nowhere: the run ends', async () => {
    const { store, rig } = shop({ maxViewAgeMs: 20, whenViewAges: 'reopen' })
    let views = 0
    store.step = async ({ call }) => {
      // All of it is another at each look, and to check it takes longer than a view may live.
      if (call === 'openView') store.put('Order', ...store.rows('Order').map((row) => ({ ...row, note: `look ${++views}` })))
      if (call === 'check' || call === 'read') await sleep(3)
    }
    const result = await (await rig.start()).result()
    store.step = () => {}
    expect(store.seen.views).toBeLessThan(10)
    expect(await rig.lines(await rig.manifest(result.snapshotId), 'Order')).toBe(store.lines('Order'))
  })

  it('is not held while the source says wait, where it may be opened anew', async () => {
    let answer: 'ok' | 'wait' = 'ok'
    const source = { ...NO_SOURCE_LIMITS, checkEveryMs: 10, pauseWhen: () => answer }
    const { store, rig } = shop({ maxViewAgeMs: 80, whenViewAges: 'reopen', source })
    store.step = async ({ call }) => void (call === 'read' && (await sleep(3)))
    const session = await rig.start()
    await vi.waitFor(() => expect(store.seen.readRows).toBeGreaterThan(0))
    answer = 'wait'
    await vi.waitFor(() => expect(store.seen.openViews).toBe(0))
    expect(session.current.waiting).toBe('source probe')
    answer = 'ok'
    store.step = () => {}
    const { snapshotId } = await session.result()
    expect(await rig.lines(await rig.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
  })

  it('does not keep a pause waiting', async () => {
    const { store, rig } = shop({ maxViewAgeMs: 20, whenViewAges: 'reopen', source: { ...NO_SOURCE_LIMITS, checkEveryMs: 10, pauseWhen: () => 'wait' } })
    const session = await rig.start()
    await vi.waitFor(() => expect(store.seen.openViews).toBe(0))
    const token = await session.pause()
    const calm = backupRig({ stores: [store], storage: rig.storage, plan: planOf([store], { policy: { chunkBytes: 400 } }) })
    expect((await (await calm.resume(token)).result()).totals.rows).toBe(600)
  })
})

describe('a consistency that is required', () => {
  it('ends the run when the views that replace lost ones do not reach it, and nothing is published', async () => {
    const { store, rig } = shop({})
    let broken = false
    store.step = ({ call }) => {
      if (call !== 'read' || broken) return
      broken = true
      store.level = 'fuzzy'
      throw new HoldfastError('E_STORE_FAILED', 'the connection broke')
    }
    const session = await rig.start()
    const error = await failure(session.result(), 'E_CONSISTENCY')
    expect(error.details).toMatchObject({ required: 'snapshot', reached: 'fuzzy' })
    expect(await rig.snapshots()).toEqual([])
    store.level = 'snapshot'
    expect((await (await rig.resume(session.token)).result()).consistency).toBe('snapshot')
  })
})

describe('PostgreSQL, its views opened anew while the application writes', () => {
  let database: TestDatabase
  let bank: ReturnType<typeof bankStore>
  beforeAll(async () => {
    database = await createTestDatabase()
    await createBank((sql) => database.query(sql))
    bank = bankStore(database.url)
  })
  afterAll(async () => {
    await bank.pool.end()
    await database.drop()
  })

  it('gives one committed state', async () => {
    const writers = bankStore(database.url, 4)
    const transfers = startTransfers(writers.pool, 2)
    try {
      const source = { ...NO_SOURCE_LIMITS, maxRowsPerSecond: 4000 }
      const policy = { chunkBytes: 8 * 1024, concurrency: 2, maxViewAgeMs: 150, whenViewAges: 'reopen', source } as const
      const rig = backupRig({ stores: [bank.store], plan: planOf([bank.store], { policy }) })
      const result = await (await rig.start()).result()
      expect(result.warnings.length).toBeGreaterThan(0)
      const manifest = await rig.manifest(result.snapshotId)
      expect(manifestFaults(manifest)).toEqual([])
      const [account, entry, booked] = await Promise.all(['account', 'entry', 'booked'].map((entity) => rig.lines(manifest, entity)))
      expect(bankFaults({ account: account!, entry: entry!, booked: booked! })).toEqual([])
    } finally {
      await transfers.stop()
      await writers.pool.end()
    }
  })
})
