import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import type { BackupSession } from '../../src/export/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import type { BackupPolicy } from '../../src/plan/backup-policy.ts'
import { backupRig, codeOf, hostOf, manifestFaults, pausedAt, planOf } from '../support/backup-rig.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage, type StorageFault, type StorageOperation } from '../support/faulty-storage.ts'
import type { InMemoryStore } from '../support/in-memory-store.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

/** Over 64 chunks, so that the journal is also written in the middle. */
const ORDERS = 150
const POLICY = { chunkBytes: 150, concurrency: 3, compression: 'none' as const, level: 0 }

function shop(storage: StorageAdapter = memoryStorage(), policy: Partial<BackupPolicy> = POLICY) {
  const store = shopStore(ORDERS, { batchRows: 8 })
  return { store, rig: backupRig({ stores: [store], plan: planOf([store], { policy }), storage }) }
}

type Shop = ReturnType<typeof shop>

/** No snapshot, or whole ones that hold what some view of the session held. */
async function expectSound({ rig }: Shop, truths: readonly Readonly<Record<string, string>>[]): Promise<readonly string[]> {
  const snapshots = await rig.snapshots()
  for (const id of snapshots) {
    const manifest = await rig.manifest(id)
    expect(manifestFaults(manifest)).toEqual([])
    const held = await Promise.all(SHOP_ENTITIES.map(async (entity) => [entity, await rig.lines(manifest, entity)] as const))
    expect(truths).toContainEqual(Object.fromEntries(held))
  }
  return snapshots
}

function truthOf(store: InMemoryStore): Record<string, string> {
  return Object.fromEntries(SHOP_ENTITIES.map((entity) => [entity, store.lines(entity)]))
}

function mutate(store: InMemoryStore): void {
  store.put('Order', orderRow(7, 'moved'), orderRow(ORDERS + 1))
  store.delete('OrderLine', (row) => Number(row.no) % 40 === 3)
}

/** Starts on a storage that fails as scripted; null when it did not come to a session. */
async function startOn({ rig }: Shop, over: FaultyStorage): Promise<BackupSession | null> {
  try {
    return await rig.start(over)
  } catch {
    return null
  }
}

/** The storage with something around each put. */
function withPut(base: StorageAdapter, around: (put: () => Promise<void>, key: string) => Promise<void>): StorageAdapter {
  return Object.assign(Object.create(base) as StorageAdapter, {
    put: (...args: Parameters<StorageAdapter['put']>) => around(() => base.put(...args), args[0]),
  })
}

async function operationsOf(run: (shop: Shop, over: FaultyStorage) => Promise<unknown>): Promise<readonly StorageOperation[]> {
  const made = shop()
  const over = new FaultyStorage(made.rig.storage)
  await run(made, over)
  return over.operations
}

const WHEN = ['before', 'after'] as const

/** Every operation; the first and last ones, where sessions begin and commit, both before and after they took effect, the others by turns. */
function deaths(operations: number): readonly { readonly n: number; readonly when: (typeof WHEN)[number] }[] {
  return Array.from({ length: operations }, (_, index) => index + 1).flatMap((n) =>
    n <= 10 || n > operations - 12 ? WHEN.map((when) => ({ n, when })) : [{ n, when: WHEN[n % 2]! }],
  )
}

describe('a process killed at any operation of the storage', () => {
  it('case 01: leaves no snapshot or a whole one, and the session goes on elsewhere with the truth of its new view', async () => {
    const clean = await operationsOf(async ({ rig }, over) => (await rig.start(over)).result())
    expect(clean.length).toBeGreaterThan(150)
    let resumed = 0
    for (const { n, when } of deaths(clean.length)) {
      const made = shop()
      const dying = new FaultyStorage(made.rig.storage, (operation) => (operation.n === n ? { kind: 'crash', when } : undefined))
      const first = truthOf(made.store)
      const session = await startOn(made, dying)
      await session?.result().catch(() => {})
      expect(dying.fired).toBe(1)
      expect(made.store.seen).toMatchObject({ openViews: 0, calls: 0 })
      mutate(made.store)
      const second = truthOf(made.store)
      await expectSound(made, [first])
      if (!session) {
        await (await made.rig.start()).result()
        continue
      }
      const result = await (await made.rig.resume(session.token)).result()
      resumed++
      expect(await expectSound(made, [first, second])).toEqual([result.snapshotId])
    }
    expect(resumed).toBeGreaterThan(clean.length / 2)
  }, 240_000)

  it('of the resumed run does no harm either', async () => {
    const prepare = async (made: Shop) => {
      const dying = new FaultyStorage(made.rig.storage, ({ key }) => (key.includes('/journal/00000003') ? { kind: 'crash', when: 'after' } : undefined))
      const session = (await startOn(made, dying))!
      await session.result().catch(() => {})
      expect(dying.fired).toBe(1)
      mutate(made.store)
      return session.token
    }
    const clean = await operationsOf(async (made, over) => (await made.rig.resume(await prepare(made), over)).result())
    let reused = 0
    for (const { n, when } of deaths(clean.length)) {
      const made = shop()
      const token = await prepare(made)
      const dying = new FaultyStorage(made.rig.storage, (operation) => (operation.n === n ? { kind: 'crash', when } : undefined))
      const truth = truthOf(made.store)
      await made.rig.resume(token, dying).then(
        (session) => session.result().catch(() => {}),
        () => {},
      )
      expect(dying.fired).toBe(1)
      await expectSound(made, [truth])
      const result = await (await made.rig.resume(token)).result()
      reused += result.entities.reduce((sum, entity) => sum + entity.reusedChunks, 0)
      expect(await expectSound(made, [truth])).toEqual([result.snapshotId])
    }
    expect(reused).toBeGreaterThan(clean.length)
  }, 240_000)
})

describe('a storage that fails once', () => {
  it('case 05: at any operation ends in its error and can be resumed, or in the whole snapshot', async () => {
    const clean = await operationsOf(async ({ rig }, over) => (await rig.start(over)).result())
    for (let n = 1; n <= clean.length; n += 3) {
      for (const when of WHEN) {
        const made = shop()
        const error = new HoldfastError('E_STORAGE_FULL', 'no space')
        const failing = new FaultyStorage(made.rig.storage, (operation) => (operation.n === n ? { kind: 'error', when, error } : undefined))
        const truth = truthOf(made.store)
        const session = await startOn(made, failing)
        if (!session) {
          expect(failing.fired).toBe(1)
          expect(await made.rig.snapshots()).toEqual([])
          continue
        }
        const code = await codeOf(session.result())
        expect(failing.fired).toBe(1)
        expect(['none', 'E_STORAGE_FULL']).toContain(code)
        expect(session.state).toBe(code === 'none' ? 'done' : 'failed')
        expect(await expectSound(made, [truth])).toHaveLength(code === 'none' ? 1 : 0)
        expect(await codeOf((await made.rig.resume(session.token, failing)).result())).toBe('none')
        expect(await expectSound(made, [truth])).toHaveLength(1)
      }
    }
  })
})

describe('a storage whose answer is lost', () => {
  it('case 05: to any put that it made, and that was not tried again: the run goes on, and there is one object', async () => {
    const clean = await operationsOf(async ({ rig }, over) => (await rig.start(over)).result())
    const puts = clean.filter(({ method }) => method === 'put').length
    const { rig: whole } = await (async () => {
      const made = shop()
      await (await made.rig.start()).result()
      return made
    })()
    const chunks = (await collect(whole.storage.list('main/s/-/chunks/'))).map(({ key }) => key)
    for (let nth = 1; nth <= puts; nth += nth < 10 || nth > puts - 8 ? 1 : 8) {
      const made = shop()
      let seen = 0
      const losing = new FaultyStorage(made.rig.storage, ({ method }) => (method === 'put' && ++seen === nth ? { kind: 'error', when: 'after' } : undefined))
      const { snapshotId } = await (await made.rig.start(losing)).result()
      expect(losing.fired, `put ${nth}`).toBe(1)
      expect(await expectSound(made, [truthOf(made.store)]), `put ${nth}`).toEqual([snapshotId])
      expect((await collect(made.rig.storage.list('main/s/-/chunks/'))).map(({ key }) => key)).toEqual(chunks)
    }
  })
})

describe('case 06: a storage that lies', () => {
  it.each([
    ['chunk', 'absent', 'E_ARCHIVE_MISSING'],
    ['chunk', 'short', 'E_ARCHIVE_CORRUPT'],
    ['index', 'absent', 'E_ARCHIVE_MISSING'],
    ['index', 'short', 'E_ARCHIVE_CORRUPT'],
  ] as const)('about a %s (%s) is caught before the manifest; the chunk is made again', async (what, how, code) => {
    const made = shop()
    const extension = what === 'chunk' ? '.hfc' : '.hfx'
    let nth = 0
    const lying = new FaultyStorage(made.rig.storage, ({ method, key }): StorageFault | undefined =>
      method === 'put' && key.endsWith(extension) && ++nth === 9 ? { kind: 'lie', how } : undefined,
    )
    const session = await made.rig.start(lying)
    expect(await codeOf(session.result())).toBe(code)
    expect(lying.fired).toBe(1)
    expect(lying.operations.some(({ method, key }) => method === 'put' && key.endsWith('/manifest'))).toBe(false)
    expect(await made.rig.snapshots()).toEqual([])
    const result = await (await made.rig.resume(session.token)).result()
    expect(result.entities.reduce((sum, entity) => sum + entity.reusedChunks, 0)).toBeGreaterThan(60)
    expect(await expectSound(made, [truthOf(made.store)])).toHaveLength(1)
  })

  it('case 06: about the manifest gives no success', async () => {
    for (const how of ['absent', 'short'] as const) {
      const made = shop()
      const lying = new FaultyStorage(made.rig.storage, ({ method, key }) => (method === 'put' && key.endsWith('/manifest') ? { kind: 'lie', how } : undefined))
      const session = await made.rig.start(lying)
      expect(await codeOf(session.result())).toMatch(/^E_(ARCHIVE|STORAGE|SNAPSHOT)/)
      expect(session.state).toBe('failed')
    }
  })
})

describe('a storage that hangs', () => {
  it.each([
    ['a chunk', (key: string) => key.endsWith('.hfc')],
    ['the journal', (key: string) => key.includes('/journal/') && !key.endsWith('00000001')],
    ['the manifest', (key: string) => key.endsWith('/manifest')],
  ] as const)('at %s can be cancelled', async (_, hangs) => {
    const made = shop()
    let hanging = true
    const over = new FaultyStorage(made.rig.storage, ({ method, key }) => (hanging && method === 'put' && hangs(key) ? { kind: 'hang' } : undefined))
    const session = await made.rig.start(over)
    while (over.fired === 0) await sleep(1)
    hanging = false
    await session.cancel()
    expect(await codeOf(session.result())).toBe('E_SESSION_CLOSED')
    expect(made.store.seen).toMatchObject({ openViews: 0, calls: 0 })
    expect(await made.rig.snapshots()).toEqual([])
    expect(await codeOf(made.rig.resume(session.token))).toBe('E_SESSION_CLOSED')
  })

  it('while cancelled says that the mark could not be written', async () => {
    const made = shop()
    let dead = false
    const over = new FaultyStorage(made.rig.storage, ({ method }) => (dead && method === 'put' ? { kind: 'error', when: 'before' } : undefined))
    made.store.step = async ({ call }) => {
      if (call === 'read') await sleep(2)
    }
    const session = await made.rig.start(over)
    await sleep(5)
    dead = true
    expect(await codeOf(session.cancel())).toBe('E_STORAGE')
    expect(await made.rig.snapshots()).toEqual([])
    expect(made.store.seen).toMatchObject({ openViews: 0, calls: 0 })
  })
})

describe('cancelling in the middle of the commit', () => {
  it('tells the truth of what became visible', async () => {
    for (const when of WHEN) {
      const made = shop()
      const running: { session?: BackupSession; cancelling?: Promise<string> } = {}
      const { storage } = made.rig
      const over = withPut(storage, async (put, key) => {
        if (!key.endsWith('/manifest')) return put()
        if (when === 'after') await put()
        running.cancelling = codeOf(running.session!.cancel())
        await put()
      })
      running.session = await made.rig.start(over)
      await running.session.result().catch(() => {})
      expect(await made.rig.snapshots()).toHaveLength(when === 'after' ? 1 : 0)
      expect(await running.cancelling).toBe(when === 'after' ? 'E_SESSION_CLOSED' : 'none')
      expect(running.session.state).toBe(when === 'after' ? 'done' : 'cancelled')
      await expectSound(made, [truthOf(made.store)])
    }
  })
})

describe('a zombie', () => {
  it('case 15: that wakes at any put after it was taken over cannot publish', async () => {
    const clean = await operationsOf(async ({ rig }, over) => (await rig.start(over)).result())
    const puts = clean.filter(({ method, key }) => method === 'put' && !key.endsWith('repository.json'))
    for (let nth = 4; nth <= puts.length; nth += 5) {
      const made = shop()
      let wake = () => {}
      let asleep = () => {}
      const sleeping = new Promise<void>((resolve) => (asleep = resolve))
      let seen = 0
      const over = withPut(made.rig.storage, async (put, key) => {
        if (!key.endsWith('repository.json') && ++seen === nth) {
          const woken = new Promise<void>((resolve) => (wake = resolve))
          asleep()
          await woken
        }
        await put()
      })
      const before = truthOf(made.store)
      const zombie = await made.rig.start(over, { host: hostOf(1, true) })
      await Promise.race([sleeping, zombie.result().catch(() => {})])
      mutate(made.store)
      const after = truthOf(made.store)
      const successor = await made.rig.resume(zombie.token, undefined, { takeover: true })
      // Asleep at the manifest itself it has claimed the final number already: it may publish, but then only what was whole.
      const result = await successor.result()
      wake()
      const code = await codeOf(zombie.result())
      expect(['E_SESSION_FENCED', 'none']).toContain(code)
      expect(await expectSound(made, [before, after])).toEqual([result.snapshotId])
      if (code === 'none') expect((await zombie.result()).viewAt).toBe((await made.rig.manifest(zombie.id)).times.viewAt)
    }
  })
})

describe('back pressure', () => {
  it('keeps a reader within its chunks of a storage that is slow', async () => {
    const made = shop(memoryStorage(), { chunkBytes: 1, concurrency: 2 })
    let unstored = 0
    let most = 0
    made.store.step = ({ call, rows = 0 }) => {
      if (call !== 'read') return
      unstored += rows
      most = Math.max(most, unstored)
    }
    const slow = new FaultyStorage(made.rig.storage, ({ method, key }) => {
      if (method !== 'put' || !key.endsWith('.hfc')) return undefined
      unstored--
      return { kind: 'delay', ms: 4 }
    })
    await (await made.rig.start(slow)).result()
    // Every row is a chunk here, and eight of them a batch. Two readers, each with a batch, a chunk that fills up and three that are being finished.
    expect(slow.fired).toBe(2 * ORDERS)
    expect(most).toBeLessThanOrEqual(2 * (8 + 1 + 3))
    expect(slow.puts.most).toBeLessThanOrEqual(2 * 3 + 1)
  })
})

describe('chunks that vanish between pause and resume', () => {
  it('are read again', async () => {
    const made = shop()
    const token = await pausedAt(20, made.store, made.rig.start())
    let deleted = 0
    for await (const { key } of made.rig.storage.list('main/s/-/chunks/')) {
      if (++deleted % 3 === 0) await made.rig.storage.delete([key])
    }
    expect(deleted).toBeGreaterThan(9)
    await (await made.rig.resume(token)).result()
    expect(await expectSound(made, [truthOf(made.store)])).toHaveLength(1)
  })
})
