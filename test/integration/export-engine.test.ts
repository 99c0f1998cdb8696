import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Manifest } from '../../src/archive/index.ts'
import type { BackupSession } from '../../src/export/index.ts'
import type { ProgressSnapshot } from '../../src/progress/index.ts'
import { type BackupRig, backupRig, codeOf, hostOf, manifestFaults, pausedAt, planOf } from '../support/backup-rig.ts'
import type { InMemoryStore } from '../support/in-memory-store.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

/** Small chunks, so that few rows make many. */
const SMALL = { chunkBytes: 500, concurrency: 3 }

async function expectTruth(rig: BackupRig, manifest: Manifest, store: InMemoryStore, entities: readonly string[] = SHOP_ENTITIES): Promise<void> {
  expect(manifestFaults(manifest)).toEqual([])
  for (const entity of entities) expect(await rig.lines(manifest, entity, store.name)).toBe(store.lines(entity))
}

function shopRig(store: InMemoryStore, policy: Parameters<typeof planOf>[1] = { policy: SMALL }) {
  return backupRig({ stores: [store], plan: planOf([store], policy) })
}

describe('a full backup', () => {
  it.each([
    { policy: { concurrency: 1, chunkBytes: 500 } },
    { policy: { concurrency: 4, chunkBytes: 300 } },
    { policy: { concurrency: 2, chunkBytes: 90, compression: 'gzip' as const, level: 6 } },
    { policy: { concurrency: 8, chunkBytes: 1_000_000, compression: 'none' as const, level: 0 } },
  ])('holds exactly the rows of its view: $policy', async ({ policy }) => {
    const store = shopStore(300)
    const rig = shopRig(store, { policy })
    const session = await rig.start(undefined, { metadata: { why: 'test' }, trigger: 'automatic' })
    const result = await session.result()
    expect(session.state).toBe('done')
    expect(result).toMatchObject({ snapshotId: session.id, planId: 'shop', kind: 'full', consistency: 'snapshot', warnings: [] })
    const manifest = await rig.manifest(session.id)
    await expectTruth(rig, manifest, store)
    expect(result.totals).toEqual(manifest.totals)
    expect(result.totals.rows).toBe(600)
    expect(result.entities.map((entity) => [entity.entity, entity.rows, entity.reusedChunks])).toEqual([
      ['Order', 300, 0],
      ['OrderLine', 300, 0],
      ['Nothing', 0, 0],
    ])
    expect(manifest).toMatchObject({
      trigger: 'automatic',
      metadata: { why: 'test' },
      series: 'shop',
      parent: null,
      requiredFeatures: [],
      repositoryId: (await rig.open()).id,
    })
    expect(manifest.stores).toMatchObject([{ name: 'default', orm: 'in-memory 1', migrations: ['0001-init'], sequences: [{ entity: 'Order' }, {}, {}] }])
    expect(manifest.times.viewAt).toBe(manifest.stores[0]!.consistency.at)
    expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
    expect(store.seen.mostCalls).toBeLessThanOrEqual(Math.min(4, policy.concurrency))
  })

  it('reads several parts of one table at once', async () => {
    const store = shopStore(400)
    store.step = async ({ call }) => {
      if (call === 'read') await sleep(1)
    }
    await (await shopRig(store).start()).result()
    expect(store.seen.mostCalls).toBe(3)
  })

  it('stays at its view while the application goes on writing', async () => {
    const store = shopStore(300)
    const before = Object.fromEntries(SHOP_ENTITIES.map((entity) => [entity, store.lines(entity)]))
    let step = 0
    store.step = () => {
      step++
      store.put('Order', orderRow(1000 + step), orderRow(step, 'changed'))
      store.delete('OrderLine', (row) => row.no === step)
    }
    const rig = shopRig(store)
    // The store takes its rows when the view opens, which is one step in.
    store.step = (at) => {
      if (at.call !== 'openView') store.put('Order', orderRow(1000 + step++), orderRow(step, 'changed'))
    }
    const { snapshotId } = await (await rig.start()).result()
    const manifest = await rig.manifest(snapshotId)
    for (const entity of SHOP_ENTITIES) expect(await rig.lines(manifest, entity)).toBe(before[entity])
    expect(store.lines('Order')).not.toBe(before.Order)
  })

  it('uses chunks again that are there already', async () => {
    const store = shopStore(200)
    const rig = shopRig(store)
    const count = async () => {
      let chunks = 0
      for await (const { key } of rig.storage.list('main/s/-/chunks/')) if (key.endsWith('.hfc')) chunks++
      return chunks
    }
    await (await rig.start()).result()
    const once = await count()
    const second = await (await rig.start()).result()
    expect(await count()).toBe(once)
    await expectTruth(rig, await rig.manifest(second.snapshotId), store)
    expect(await rig.snapshots()).toHaveLength(2)
  })

  it('puts the chunks of each entity into its bucket', async () => {
    const store = shopStore(50)
    const rig = shopRig(store, { policy: SMALL, buckets: { OrderLine: 'other' } })
    const { snapshotId } = await (await rig.start()).result()
    await expectTruth(rig, await rig.manifest(snapshotId), store)
    const names: string[] = []
    for await (const { key } of rig.storage.list('other/s/')) names.push(key)
    const chunks = names.filter((name) => name.includes('/chunks/'))
    expect(chunks.length).toBeGreaterThan(0)
    // Beside them only whose they are, for a prune of that bucket.
    expect(names.filter((name) => !chunks.includes(name))).toEqual([`other/s/-/referrers/${(await rig.open()).id}`])
  })
})

describe('consistency', () => {
  it('of several stores is entity at best, and says so', async () => {
    const first = shopStore(40)
    const second = shopStore(60, { name: 'archive' })
    const rig = backupRig({ stores: [first, second], plan: planOf([first, second], { policy: SMALL }) })
    const { snapshotId, consistency, warnings } = await (await rig.start()).result()
    expect({ consistency, warnings: warnings.length }).toEqual({ consistency: 'entity', warnings: 1 })
    const manifest = await rig.manifest(snapshotId)
    await expectTruth(rig, manifest, first)
    await expectTruth(rig, manifest, second)
    expect(manifest.stores.map((store) => store.consistency.level)).toEqual(['snapshot', 'snapshot'])
    expect(manifest.consistency.window.from <= manifest.consistency.window.to).toBe(true)
  })

  it('that cannot be reached is refused before anything is stored, and views are closed', async () => {
    const first = shopStore(10)
    const second = shopStore(10, { name: 'archive' })
    const fuzzy = shopStore(10, { name: 'fuzzy', level: 'fuzzy' })
    for (const stores of [[first, second], [fuzzy]]) {
      const rig = backupRig({ stores, plan: planOf(stores, { policy: { requireConsistency: 'snapshot' } }) })
      expect(await codeOf(rig.start())).toBe('E_CONSISTENCY')
      for await (const { key } of rig.storage.list('main/s/')) throw new Error(`${key} was stored`)
      for (const store of stores) expect(store.seen.openViews).toBe(0)
    }
    expect(first.seen.views).toBe(0)
    const lower = backupRig({ stores: [fuzzy], plan: planOf([fuzzy], { policy: { requireConsistency: 'fuzzy' } }) })
    expect((await (await lower.start()).result()).warnings).toHaveLength(1)
  })
})

describe('progress', () => {
  it('follows the run from opening to done', async () => {
    const store = shopStore(400)
    store.step = async ({ call }) => {
      if (call === 'read') await sleep(4)
    }
    const session = await shopRig(store).start()
    const seen: ProgressSnapshot[] = []
    const handled: ProgressSnapshot[] = []
    const stop = session.onProgress((snapshot) => handled.push(snapshot))
    for await (const snapshot of session.progress()) seen.push(snapshot)
    stop()
    const result = await session.result()
    const percents = seen.map((snapshot) => snapshot.percent)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.filter((percent) => percent === 100)).toHaveLength(1)
    expect(seen.some((snapshot) => snapshot.phase === 'copying' && snapshot.percent > 5 && snapshot.percent < 90)).toBe(true)
    expect(seen.at(-1)).toMatchObject({ phase: 'done', percent: 100, records: 800, plainBytes: result.totals.plainBytes, id: session.id, operation: 'backup' })
    expect(seen.at(-1)!.entities.every((entity) => entity.state === 'done')).toBe(true)
    expect(seen.at(-1)!.storedBytes).toBeGreaterThanOrEqual(result.totals.storedBytes)
    expect(handled.at(-1)).toEqual(seen.at(-1))
    expect(session.current).toEqual(seen.at(-1))
  })
})

describe('pause and resume', () => {
  it('goes on in another process with what moved meanwhile', async () => {
    const store = shopStore(400)
    const rig = shopRig(store)
    const starting = rig.start()
    const token = await pausedAt(25, store, starting)
    const first = await starting
    expect(token).toBe(first.token)
    expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
    expect(await rig.snapshots()).toEqual([])
    store.put('Order', orderRow(3, 'changed'), orderRow(5000))
    store.delete('OrderLine', (row) => Number(row.no) % 50 === 0)
    const second = await rig.resume(token)
    const result = await second.result()
    expect(result.snapshotId).toBe(first.id)
    await expectTruth(rig, await rig.manifest(first.id), store)
    expect(result.entities.reduce((sum, entity) => sum + entity.reusedChunks, 0)).toBeGreaterThan(0)
    expect(second.current.entities.reduce((sum, entity) => sum + entity.reusedRows, 0)).toBeGreaterThan(0)
  })

  it('comes to an end however often it is paused, with writers between', async () => {
    const store = shopStore(250, { batchRows: 3 })
    const rig = shopRig(store, { policy: { chunkBytes: 400, concurrency: 2 } })
    let token = (await rig.start()).token
    let session: BackupSession | null = null
    store.step = async ({ call }) => {
      if (call === 'read') await sleep(1)
    }
    // The first session runs on; this process takes it over at once.
    session = await rig.resume(token, undefined, { takeover: true })
    let pauses = 0
    for (; pauses < 60; pauses++) {
      await sleep(8)
      token = await session.pause()
      if (session.state === 'done') break
      store.put('Order', orderRow(pauses * 4, `pause ${pauses}`), orderRow(1000 + pauses))
      store.delete('OrderLine', (row) => row.no === pauses * 3)
      session = await rig.resume(token)
    }
    if (session.state !== 'done') store.step = () => {}
    const result = await session.result()
    expect(pauses).toBeGreaterThan(3)
    await expectTruth(rig, await rig.manifest(result.snapshotId), store)
    expect(await rig.snapshots()).toEqual([result.snapshotId])
  })

  it('reads again what the store cannot decide', async () => {
    const store = shopStore(100)
    const rig = shopRig(store)
    const token = await pausedAt(8, store, rig.start())
    store.checking = 'undecided'
    const result = await (await rig.resume(token)).result()
    expect(result.entities.every((entity) => entity.reusedChunks === 0)).toBe(true)
    await expectTruth(rig, await rig.manifest(result.snapshotId), store)
  })

  it('case 32: reads an entity again whose schema changed, and never mixes', async () => {
    const store = shopStore(300)
    const rig = shopRig(store)
    const token = await pausedAt(25, store, rig.start())
    store.addField('Order', 'colour')
    const result = await (await rig.resume(token)).result()
    const manifest = await rig.manifest(result.snapshotId)
    await expectTruth(rig, manifest, store)
    expect(result.entities.find(({ entity }) => entity === 'Order')).toMatchObject({ reusedChunks: 0 })
    expect(await rig.lines(manifest, 'Order')).toContain('"colour":null')
  })

  it('answers a token of a completed session with its result', async () => {
    const store = shopStore(30)
    const rig = shopRig(store)
    const session = await rig.start()
    const result = await session.result()
    const views = store.seen.views
    const again = await rig.resume(session.token)
    expect(await again.result()).toEqual(result)
    expect(again).toMatchObject({ id: session.id, state: 'done', token: session.token })
    expect(again.current).toMatchObject({ percent: 100, records: 60 })
    const seen: ProgressSnapshot[] = []
    for await (const snapshot of again.progress()) seen.push(snapshot)
    expect(seen).toHaveLength(1)
    expect(store.seen.views).toBe(views)
    expect(await session.pause()).toBe(session.token)
    expect(await codeOf(again.cancel())).toBe('E_SESSION_CLOSED')
    expect(await codeOf(session.cancel())).toBe('E_SESSION_CLOSED')
    await (await rig.open()).scope().hide(session.id, 'test')
    expect(await codeOf(rig.resume(session.token))).toBe('E_SESSION_CLOSED')
  })

  it('refuses tokens that are not its own, and plans that changed', async () => {
    const store = shopStore(50)
    const rig = shopRig(store)
    const token = await (await rig.start()).pause()
    const [body, signature] = token.split('.') as [string, string]
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('shop', 'shed')).toString('base64url')
    for (const wrong of ['', 'nonsense', body, `${forged}.${signature}`, `${body}.${signature.slice(0, -2)}AA`, `${token}x`]) {
      expect(await codeOf(rig.resume(wrong))).toBe('E_TOKEN_INVALID')
    }
    expect(await codeOf(shopRig(store).resume(token))).toBe('E_TOKEN_INVALID')
    const changed = planOf([store], { policy: SMALL, digest: 'b'.repeat(64) })
    expect(await codeOf(rig.resume(token, undefined, { planOf: () => changed }))).toBe('E_PLAN_CHANGED')
    expect((await (await rig.resume(token)).result()).totals.rows).toBe(100)
  })
})

describe('case 14: two processes and one session', () => {
  const held = (store: InMemoryStore) => {
    store.step = async ({ call }) => {
      if (call === 'read') await sleep(3)
    }
  }

  it('does not resume what a living process runs, unless told to take it over; the other then loses', async () => {
    const store = shopStore(300)
    held(store)
    const rig = shopRig(store, { policy: { chunkBytes: 100, concurrency: 2 } })
    const first = await rig.start(undefined, { host: hostOf(1, true) })
    expect(await codeOf(rig.resume(first.token, undefined, { host: hostOf(2, true) }))).toBe('E_SESSION_FENCED')
    expect(await codeOf(rig.resume(first.token, undefined, { host: { name: 'elsewhere', pid: 1, alive: () => false } }))).toBe('E_SESSION_FENCED')
    const second = await rig.resume(first.token, undefined, { host: hostOf(2, true), takeover: true })
    expect(await codeOf(first.result())).toBe('E_SESSION_FENCED')
    expect(first.state).toBe('failed')
    expect(await codeOf(first.pause())).toBe('E_SESSION_FENCED')
    const result = await second.result()
    await expectTruth(rig, await rig.manifest(result.snapshotId), store)
    expect(await rig.snapshots()).toEqual([first.id])
  })

  it('resumes what a dead process left', async () => {
    const store = shopStore(300)
    held(store)

    const rig = shopRig(store)
    const first = await rig.start(undefined, { host: hostOf(1) })
    await sleep(20)
    const second = await rig.resume(first.token, undefined, { host: hostOf(2) })
    expect(await codeOf(first.result())).toBe('E_SESSION_FENCED')
    expect((await second.result()).snapshotId).toBe(first.id)
  })

  it('lets one of two resumers win', async () => {
    for (let round = 0; round < 10; round++) {
      const store = shopStore(120)
      const rig = shopRig(store)
      const token = await pausedAt(8, store, rig.start())
      store.step = () => sleep(1)
      const racing = await Promise.allSettled([1, 2, 3].map(async () => (await rig.resume(token)).result()))
      const won = racing.filter((outcome) => outcome.status === 'fulfilled')
      const lost = racing.filter((outcome) => outcome.status === 'rejected')
      expect(lost.map((outcome) => outcome.reason.code).every((code) => code === 'E_SESSION_FENCED')).toBe(true)
      expect(won.length).toBe(1)
      expect(await rig.snapshots()).toHaveLength(1)
      await expectTruth(rig, await rig.manifest((await rig.snapshots())[0]!), store)
      expect(store.seen.openViews).toBe(0)
    }
  })
})

describe('cancelling', () => {
  it('stops the reads, leaves nothing visible and closes the session', async () => {
    const store = shopStore(400)
    store.step = async ({ call }) => {
      if (call === 'read') await sleep(3)
    }
    const rig = shopRig(store)
    const session = await rig.start()
    await sleep(25)
    const cancelling = session.cancel()
    expect(session.state).toBe('cancelling')
    await cancelling
    expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
    const reads = store.seen.batches
    await sleep(30)
    expect(store.seen.batches).toBe(reads)
    expect(reads).toBeLessThan(70)
    expect(session.state).toBe('cancelled')
    expect(session.current).toMatchObject({ phase: 'cancelled' })
    expect(await codeOf(session.result())).toBe('E_SESSION_CLOSED')
    expect(await codeOf(session.pause())).toBe('E_SESSION_CLOSED')
    expect(await rig.snapshots()).toEqual([])
    expect(await codeOf(rig.resume(session.token))).toBe('E_SESSION_CLOSED')
    await session.cancel()
  })

  it('closes a paused session, also through a handle of its own', async () => {
    const store = shopStore(100)
    const rig = shopRig(store)
    store.step = () => sleep(1)
    const first = await rig.start()
    const token = await first.pause()
    const second = await rig.resume(token)
    await second.cancel()
    expect(await codeOf(rig.resume(token))).toBe('E_SESSION_CLOSED')
    expect(await codeOf(first.cancel())).toBe('E_SESSION_FENCED')

    const third = await rig.start()
    await third.pause()
    await third.cancel()
    expect(third.state).toBe('cancelled')
    expect(await codeOf(third.result())).toBe('E_SESSION_CLOSED')
    expect(await codeOf(rig.resume(third.token))).toBe('E_SESSION_CLOSED')
  })

  it('by its signal gives E_ABORTED, before and while it runs', async () => {
    const store = shopStore(200)
    store.step = () => sleep(1)
    const rig = shopRig(store)
    expect(await codeOf(rig.start(undefined, { signal: AbortSignal.abort() }))).toBe('E_ABORTED')
    const controller = new AbortController()
    const session = await rig.start(undefined, { signal: controller.signal })
    await sleep(10)
    controller.abort(new Error('shutting down'))
    await expect(session.result()).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(session.state).toBe('cancelled')
    expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
    expect(await codeOf(rig.resume(session.token))).toBe('E_SESSION_CLOSED')
    expect(await rig.snapshots()).toEqual([])
  })
})

describe('age', () => {
  const days = (count: number) => vi.setSystemTime(Date.now() + count * 86_400_000)
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('case 16: closes a session after seven days by the clock of the storage', async () => {
    const store = shopStore(100)
    const rig = shopRig(store)
    store.step = () => sleep(1)
    const token = await (await rig.start()).pause()
    days(6.9)
    await (await rig.resume(token)).pause()
    days(0.2)
    expect(await codeOf(rig.resume(token))).toBe('E_SESSION_CLOSED')
  })

  it('does not let a session commit that grew too old while it ran', async () => {
    const store = shopStore(100)
    const rig = shopRig(store)
    store.step = ({ call }) => {
      if (call === 'sequences') days(8)
    }
    expect(await codeOf((await rig.start()).result())).toBe('E_SESSION_CLOSED')
    expect(await rig.snapshots()).toEqual([])
  })
})

describe('a store that fails', () => {
  it.each(['openView', 'estimate', 'evidence', 'split', 'read', 'sequences'] as const)(
    'at %s ends the session with its error, views closed, and the token resumes it',
    async (call) => {
      const store = shopStore(200)
      const rig = shopRig(store)
      let failing = true
      let calls = 0
      store.step = (step) => {
        if (step.call === call && failing && ++calls === (call === 'read' ? 12 : 1)) throw new Error('the database went away')
      }
      if (call === 'openView') {
        await expect(rig.start()).rejects.toThrow('the database went away')
        return
      }
      const session = await rig.start()
      await expect(session.result()).rejects.toThrow('the database went away')
      expect(session.state).toBe('failed')
      expect(session.current.phase).toBe('failed')
      expect(store.seen).toMatchObject({ openViews: 0, calls: 0 })
      expect(await rig.snapshots()).toEqual([])
      failing = false
      const result = await (await rig.resume(session.token)).result()
      await expectTruth(rig, await rig.manifest(result.snapshotId), store)
    },
  )

  it('does not look alive when it could not begin', async () => {
    const store = shopStore(20)
    const rig = shopRig(store)
    const broken = { debug: () => {}, warn: () => {}, error: () => {} }
    const logger = {
      ...broken,
      info: () => {
        throw new Error('the logger is broken')
      },
    }
    await expect(rig.start(rig.storage, { logger })).rejects.toThrow('the logger is broken')
    expect(store.seen.openViews).toBe(0)
    const { sessions } = (await rig.open()).scope()
    for await (const { sessionId } of sessions.list()) expect((await sessions.readJournal(sessionId)).entries.at(-1)).toMatchObject({ type: 'failed' })
  })

  it('while it checks or opens its view again leaves the session resumable', async () => {
    const store = shopStore(200)
    const rig = shopRig(store)
    const token = await pausedAt(8, store, rig.start())
    for (const call of ['openView', 'check'] as const) {
      store.step = (step) => {
        if (step.call === call) throw new Error('the database went away')
      }
      await expect(rig.resume(token).then((session) => session.result())).rejects.toThrow('the database went away')
    }
    store.step = () => {}
    expect((await (await rig.resume(token)).result()).totals.rows).toBe(400)
  })
})
