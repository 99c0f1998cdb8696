import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import type { SourceLimits } from '../../src/plan/index.ts'
import { NO_SOURCE_LIMITS } from '../../src/plan/source-limits.ts'
import { backupRig, codeOf, planOf } from '../support/backup-rig.ts'
import { failure } from '../support/failure.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { shopStore } from '../support/shop-store.ts'

function shop(source: Partial<SourceLimits>, rows = 400) {
  const store = shopStore(rows)
  const plan = planOf([store], { policy: { chunkBytes: 2000, source: { ...NO_SOURCE_LIMITS, checkEveryMs: 20, ...source } } })
  return { store, rig: backupRig({ stores: [store], plan }) }
}

const since = (began: number) => performance.now() - began

describe('a limited rate', () => {
  it('is held, by rows and by bytes, by all readers together', async () => {
    // 800 rows of some 40 bytes.
    for (const [limits, least] of [
      [{ maxRowsPerSecond: 1000 }, 800],
      [{ maxBytesPerSecond: 32_000 }, 900],
    ] as const) {
      const { rig, store } = shop(limits)
      const began = performance.now()
      const { totals } = await (await rig.start()).result()
      expect(totals.rows).toBe(800)
      const ms = since(began)
      expect(ms).toBeGreaterThan(least * 0.9)
      expect(ms).toBeLessThan(least * 2)
      expect(store.seen.readRows).toBe(800)
    }
  })

  it('holds for rows that are read to compare them, too', async () => {
    const { rig, store } = shop({})
    await (await rig.start()).result()
    store.put('Order', ...store.rows('Order').map((row) => ({ ...row, note: 'another' })))
    const began = performance.now()
    await (
      await rig.start(undefined, {
        kind: 'incremental',
        plan: { ...rig.plan, policy: { ...rig.plan.policy, source: { ...rig.plan.policy.source, maxRowsPerSecond: 800 } } },
      })
    ).result()
    expect(since(began)).toBeGreaterThan(400)
  })

  it('ends at once when the backup is cancelled, and gives way to a pause', async () => {
    for (const how of ['cancel', 'pause'] as const) {
      const { rig, store } = shop({ maxRowsPerSecond: 1 })
      const session = await rig.start()
      await vi.waitFor(() => expect(store.seen.readRows).toBeGreaterThan(0))
      const began = performance.now()
      await session[how]()
      expect(since(began)).toBeLessThan(1000)
      expect(session.state).toBe(how === 'cancel' ? 'cancelled' : 'paused')
      expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
    }
  })
})

describe('a probe of the application', () => {
  it('stops the reading while it says wait, and progress says so', async () => {
    let answer: 'ok' | 'wait' = 'wait'
    const asked: string[] = []
    const { rig, store } = shop({
      pauseWhen: ({ store: name }) => {
        asked.push(name)
        return answer
      },
    })
    const session = await rig.start()
    await vi.waitFor(() => expect(session.current.waiting).toBe('source probe'))
    await sleep(100)
    expect(store.seen.readRows).toBe(0)
    expect(new Set(asked)).toEqual(new Set(['default']))
    answer = 'ok'
    await session.result()
    expect(session.current.waiting).toBeNull()
  })

  it('is asked once for all readers, and no more often than said', async () => {
    let asked = 0
    const { rig } = shop({ maxRowsPerSecond: 2000, checkEveryMs: 100, pauseWhen: () => (asked++, 'ok') })
    await (await rig.start()).result()
    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThan(10)
  })

  it.each([
    ['throws', () => Promise.reject(new Error('nobody there'))],
    ['answers something else', () => Promise.resolve('maybe' as never)],
    ['says wait', () => Promise.resolve('wait' as const)],
  ])('that %s for too long ends the run, which can be resumed', async (_, pauseWhen) => {
    const { rig, store } = shop({ pauseWhen, maxWaitMs: 60 })
    const session = await rig.start()
    expect(await codeOf(session.result())).toBe('E_SOURCE_BUSY')
    expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
    const calm = backupRig({ stores: [store], storage: rig.storage, plan: planOf([store], { policy: { chunkBytes: 2000 } }) })
    expect((await (await calm.resume(session.token)).result()).totals.rows).toBe(800)
  })

  it('that never answers does not keep a pause or a cancellation waiting', async () => {
    for (const how of ['cancel', 'pause'] as const) {
      let asked = false
      const { rig } = shop({
        pauseWhen: () => {
          asked = true
          return new Promise(() => {})
        },
      })
      const session = await rig.start()
      await vi.waitFor(() => expect(asked).toBe(true))
      const began = performance.now()
      await session[how]()
      expect(since(began)).toBeLessThan(1000)
    }
  })
})

describe('replication that is behind', () => {
  it('stops the reading until it has caught up', async () => {
    const { rig, store } = shop({ maxReplicationLagMs: 1000 })
    let lag = 5000
    store.replicationLag = async () => lag
    const session = await rig.start()
    await vi.waitFor(() => expect(session.current.waiting).toBe('replication lag'))
    expect(store.seen.readRows).toBe(0)
    lag = 10
    await session.result()
  })

  it('that cannot be seen is refused before anything is opened', async () => {
    const { rig, store } = shop({ maxReplicationLagMs: 1000 })
    await failure(rig.start(), 'E_CAPABILITY')
    store.replicationLag = async () => null
    await failure(rig.start(), 'E_CAPABILITY')
    expect(store.seen.views).toBe(0)
  })
})

describe('limits of one run', () => {
  it('go before those of the plan, and are checked', async () => {
    const store = shopStore(50)
    const plan = definePlan({ id: 'shop', description: 'x', entities: ['Order'], policy: { source: { maxRowsPerSecond: 1 } } })
    const holdfast = await createHoldfast({ stores: [store], storage: memoryStorage(), plans: [plan] })
    const began = performance.now()
    const { totals } = await holdfast.backups.run('shop', { source: { maxRowsPerSecond: null } })
    expect(totals.rows).toBe(50)
    expect(since(began)).toBeLessThan(5000)
    const error = await failure(holdfast.backups.run('shop', { source: { maxRowsPerSecond: 0, fast: true } as never }), 'E_CONFIG')
    expect(error.message).toMatch(/source\.maxRowsPerSecond = 0.*\n.*source\.fast|source\.fast[\s\S]*source\.maxRowsPerSecond = 0/)
    await holdfast.close()
  })
})

describe('PostgreSQL', () => {
  const ROWS = 60_000
  let db: TestDatabase
  let lane: ReturnType<typeof testPool>
  beforeAll(async () => {
    db = await createTestDatabase()
    lane = testPool(db.url, 5)
    await db.query(`CREATE TABLE item (id int PRIMARY KEY, v text); INSERT INTO item SELECT i, repeat('x', 100) FROM generate_series(1, ${ROWS}) i`)
  })
  afterAll(async () => {
    await lane.pool.end()
    await db.drop()
  })

  it('is read at the rate that was asked for, and no slower', async () => {
    const store = createPostgresStore({ name: 'default', orm: 'none 1', mapping: mappingOf(table('item', 'id v')), connections: lane.connections })
    const plan = planOf([store], { policy: { source: { ...NO_SOURCE_LIMITS, maxRowsPerSecond: 20_000 } } })
    const rig = backupRig({ stores: [store], plan })
    const began = performance.now()
    const session = await rig.start()
    const { totals } = await session.result()
    const seconds = since(began) / 1000
    expect(totals.rows).toBe(ROWS)
    // 3 s for all, of which the last batch's share need not be waited for; and what starting and committing take.
    expect(seconds).toBeGreaterThan(2)
    expect(seconds).toBeLessThan(6)
  })

  it('stops in the middle of a COPY when it is cancelled while held back', async () => {
    const store = createPostgresStore({ name: 'default', orm: 'none 1', mapping: mappingOf(table('item', 'id v')), connections: lane.connections })
    const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { source: { ...NO_SOURCE_LIMITS, maxRowsPerSecond: 10 } } }) })
    const session = await rig.start()
    await vi.waitFor(() => expect(session.current.records).toBeGreaterThan(0))
    const began = performance.now()
    await session.cancel()
    expect(since(began)).toBeLessThan(3000)
    // The server takes a moment to notice that a connection was closed.
    await vi.waitFor(async () => {
      const [left] = await db.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()`,
      )
      expect(left).toEqual({ n: 0 })
    }, 5000)
  })

  it('without standbys has no lag, and needs a second connection to say so', async () => {
    const options = { name: 'default', orm: 'none 1', mapping: mappingOf(table('item', 'id v')) }
    expect(await createPostgresStore({ ...options, connections: lane.connections }).replicationLag!()).toBe(0)
    const narrow = testPool(db.url, 1)
    await failure(createPostgresStore({ ...options, connections: narrow.connections }).replicationLag!(), 'E_CONFIG')
    await narrow.pool.end()
  })
})
