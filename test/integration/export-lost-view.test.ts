import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { backupRig, codeOf, manifestFaults, planOf } from '../support/backup-rig.ts'
import { bankFaults, bankStore, createBank, startTransfers } from '../support/bank.ts'
import type { StoreStep } from '../support/in-memory-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const failed = () => new HoldfastError('E_STORE_FAILED', 'the connection broke')

function shop() {
  const store = shopStore(200)
  return { store, rig: backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 400, concurrency: 3, requireConsistency: 'snapshot' } }) }) }
}

describe('a database that fails in the middle of a backup', () => {
  it('is looked at anew, and the snapshot is the truth of the last look, whatever moved and whenever it failed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 3 }), fc.boolean(), async (moments, incremental) => {
        const { store, rig } = shop()
        if (incremental) await (await rig.start()).result()
        let calls = 0
        let looks = 0
        const step: StoreStep = ({ call }) => {
          if (call === 'openView') looks++
          if (call === 'openView' || call === 'close' || !moments.includes(++calls)) return
          store.put('Order', orderRow(calls, 'changed before the next look'), orderRow(1000 + calls))
          store.delete('Order', ({ id }) => id === calls + 50)
          throw failed()
        }
        store.step = step
        const result = await (await rig.start(undefined, { kind: incremental ? 'incremental' : 'full' })).result()
        store.step = () => {}
        const manifest = await rig.manifest(result.snapshotId)
        expect(manifestFaults(manifest)).toEqual([])
        expect(await Promise.all(SHOP_ENTITIES.map((entity) => rig.lines(manifest, entity)))).toEqual(SHOP_ENTITIES.map((entity) => store.lines(entity)))
        expect(result.consistency).toBe('snapshot')
        expect(result.warnings).toHaveLength(looks - 1)
        expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
      }),
      { numRuns: 40 },
    )
  }, 120_000)

  it('ends the run when it fails again and again, and the session can be resumed', async () => {
    const { store, rig } = shop()
    let evidence = 0
    store.step = ({ call }) => {
      if (call !== 'read') return
      evidence++
      throw failed()
    }
    const session = await rig.start()
    expect(await codeOf(session.result())).toBe('E_STORE_FAILED')
    expect(evidence).toBeLessThan(20)
    store.step = () => {}
    const { snapshotId } = await (await rig.resume(session.token)).result()
    expect(await rig.lines(await rig.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
  })

  it('is waited for, and a pause is heard meanwhile', async () => {
    const { store, rig } = shop()
    let broken = false
    store.step = ({ call }) => {
      if (call === 'read' && !broken) {
        broken = true
        throw failed()
      }
      if (call === 'openView' && broken) throw failed()
    }
    const session = await rig.start()
    const result = codeOf(session.result())
    await sleep(400)
    await session.pause()
    expect(await result).toBe('E_SESSION_PAUSED')
    store.step = () => {}
    const { snapshotId } = await (await rig.resume(session.token)).result()
    expect(await rig.lines(await rig.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
  })

  it('is not asked again when asking again cannot help', async () => {
    const { store, rig } = shop()
    let looks = 0
    store.step = ({ call }) => {
      if (call === 'openView') looks++
      if (call === 'read') throw new HoldfastError('E_SCHEMA_DRIFT', 'a column is gone')
    }
    expect(await codeOf((await rig.start()).result())).toBe('E_SCHEMA_DRIFT')
    expect(looks).toBe(1)
  })
})

describe('PostgreSQL, its connections ended under a running backup', () => {
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

  it('case 31: gives one committed state all the same', async () => {
    const writers = bankStore(database.url, 4)
    const transfers = startTransfers(writers.pool, 2)
    try {
      for (let run = 0; run < 4; run++) {
        const rig = backupRig({ stores: [bank.store], plan: planOf([bank.store], { policy: { chunkBytes: 8 * 1024, concurrency: 2 } }) })
        const session = await rig.start()
        await sleep(Math.random() * 150)
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR state LIKE 'idle in%') AND query NOT LIKE '%booked%'`,
        )
        const manifest = await rig.manifest((await session.result()).snapshotId)
        expect(manifestFaults(manifest)).toEqual([])
        const [account, entry, booked] = await Promise.all(['account', 'entry', 'booked'].map((entity) => rig.lines(manifest, entity)))
        expect(bankFaults({ account: account!, entry: entry!, booked: booked! })).toEqual([])
      }
    } finally {
      await transfers.stop()
      await writers.pool.end()
    }
  })
})
