import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Manifest } from '../../src/archive/index.ts'
import type { BackupKind } from '../../src/export/index.ts'
import { type BackupRig, backupRig, codeOf, manifestFaults, pausedAt, planOf } from '../support/backup-rig.ts'
import type { InMemoryStore } from '../support/in-memory-store.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const SMALL = { chunkBytes: 500, concurrency: 3 }

function shop(orders = 300, policy = {}) {
  const store = shopStore(orders)
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { ...SMALL, ...policy } }) })
  return { store, rig, take: (kind: BackupKind, more = {}) => backUp(rig, store, kind, more) }
}

/** Takes a snapshot, holds it against the truth, and says how many rows were read for it. */
async function backUp(rig: BackupRig, store: InMemoryStore, kind: BackupKind, more = {}) {
  const before = store.seen.readRows
  const result = await (await rig.start(undefined, { kind, ...more })).result()
  const manifest = await rig.manifest(result.snapshotId)
  expect(manifestFaults(manifest)).toEqual([])
  expect(await image(rig, manifest)).toEqual(truth(store))
  return { result, manifest, rowsRead: store.seen.readRows - before }
}

const truth = (store: InMemoryStore) => SHOP_ENTITIES.map((entity) => store.lines(entity))
const image = (rig: BackupRig, manifest: Manifest) => Promise.all(SHOP_ENTITIES.map((entity) => rig.lines(manifest, entity)))

describe('an incremental backup', () => {
  it('reads and stores nothing when nothing changed, and is whole', async () => {
    const { rig, take } = shop()
    const full = await take('full')
    const objects = await chunkNames(rig)
    const { result, manifest, rowsRead } = await take('incremental')
    expect(rowsRead).toBe(0)
    expect(await chunkNames(rig)).toEqual(objects)
    expect(manifest).toMatchObject({ kind: 'incremental', parent: full.result.snapshotId, lineage: { full: full.result.snapshotId, distance: 1 } })
    expect(manifest.kindReason).toBeUndefined()
    expect(result).toMatchObject({ kind: 'incremental', kindReason: null, parent: full.result.snapshotId })
    for (const { change, ranges } of manifest.entities) expect(change).toMatchObject({ reused: ranges.length, read: 0 })
  })

  it('reads only the ranges that changed', async () => {
    const { store, rig, take } = shop()
    await take('full')
    store.put('Order', orderRow(7, 'changed'), orderRow(1000, 'appended'))
    store.delete('Order', ({ id }) => id === 150)
    const { manifest, rowsRead } = await take('incremental')
    expect(rowsRead).toBeGreaterThan(0)
    expect(rowsRead).toBeLessThan(100)
    const order = manifest.entities.find(({ descriptor }) => descriptor.name === 'Order')!
    expect(order.change.reused).toBeGreaterThan(order.ranges.length / 2)
    const next = await take('incremental')
    expect(next.rowsRead).toBe(0)
    expect(next.manifest.lineage?.distance).toBe(2)
    expect(await rig.snapshots()).toHaveLength(3)
  })

  it('stays restorable when everything it was built on is deleted', async () => {
    const { store, rig, take } = shop()
    const full = await take('full')
    store.put('Order', orderRow(7, 'changed'))
    const { manifest } = await take('incremental')
    await (await rig.open()).scope().hide(full.result.snapshotId, 'test')
    expect(await image(rig, manifest)).toEqual(truth(store))
    store.put('Order', orderRow(8, 'changed'))
    expect((await take('incremental')).manifest.parent).toBe(manifest.snapshotId)
  })

  it('becomes a full, and says so, when there is nothing to build on', async () => {
    const { take } = shop()
    const { result, manifest } = await take('incremental')
    expect(result).toMatchObject({ kind: 'full', parent: null, kindReason: 'the series has no snapshot to build on' })
    expect(manifest.lineage).toEqual({ full: manifest.snapshotId, fullAt: manifest.times.viewAt, distance: 0 })
  })

  it('builds on the newest snapshot of its series, and on no other', async () => {
    const { store, take } = shop()
    const nightly = await take('full', { series: 'nightly' })
    await take('full', { series: 'hourly' })
    store.put('Order', orderRow(1, 'changed'))
    const { manifest } = await take('incremental', { series: 'nightly' })
    expect(manifest).toMatchObject({ series: 'nightly', parent: nightly.result.snapshotId })
  })

  it('reads an entity whole whose schema changed, and the others not', async () => {
    const { store, take } = shop()
    await take('full')
    store.addField('Order', 'colour')
    const { manifest, rowsRead } = await take('incremental')
    expect(rowsRead).toBe(300)
    expect(manifest.entities.map(({ change }) => change.reused > 0)).toEqual([false, true, true])
  })

  it('reads again what is no longer in the storage', async () => {
    const { rig, take } = shop()
    const { manifest } = await take('full')
    const [lost] = manifest.entities[0]!.ranges[3]!.layers
    const names = (await chunkNames(rig)).filter((key) => key.includes(lost!.name))
    await rig.storage.delete(names)
    const { rowsRead } = await take('incremental')
    expect(rowsRead).toBe(manifest.entities[0]!.ranges[3]!.rows)
  })

  it('takes nothing over from another bucket', async () => {
    const store = shopStore(50)
    const before = backupRig({ stores: [store], plan: planOf([store], { policy: SMALL }) })
    await backUp(before, store, 'full')
    const after = backupRig({ stores: [store], plan: planOf([store], { policy: SMALL, buckets: { Order: 'other' } }), storage: before.storage })
    const { rowsRead, manifest } = await backUp(after, store, 'incremental')
    expect(rowsRead).toBe(50)
    expect(manifest.entities.map(({ bucket }) => bucket)).toEqual(['other', 'main', 'main'])
  })

  it.each(['kept', 'deleted'] as const)('is paused and resumed, its base %s', async (base) => {
    const { store, rig, take } = shop()
    const full = await take('full')
    for (let id = 0; id < 300; id += 10) store.put('Order', orderRow(id, 'changed'))
    const token = await pausedAt(5, store, rig.start(undefined, { kind: 'incremental' }))
    if (base === 'deleted') await (await rig.open()).scope().hide(full.result.snapshotId, 'test')
    store.put('Order', orderRow(3, 'changed meanwhile'))
    const result = await (await rig.resume(token)).result()
    expect(result).toMatchObject({ kind: 'incremental', parent: full.result.snapshotId })
    expect(await image(rig, await rig.manifest(result.snapshotId))).toEqual(truth(store))
  })
})

describe('ranges over many runs', () => {
  const ranges = (manifest: Manifest) => manifest.entities[0]!.ranges

  it('stay where they are when rows are appended, but for the last', async () => {
    const { store, take } = shop()
    let before = ranges((await take('full')).manifest)
    for (let run = 0; run < 6; run++) {
      store.put('Order', ...Array.from({ length: 25 }, (_, n) => orderRow(1000 + run * 25 + n)))
      const { manifest, rowsRead } = await take('incremental')
      const after = ranges(manifest)
      expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1).map((range) => ({ ...range, evidence: 0 })))
      expect(rowsRead).toBeLessThan(25 + 30)
      before = after
    }
  })

  it('are joined when rows go, and cut when rows come', async () => {
    const { store, take } = shop()
    const full = ranges((await take('full')).manifest).length
    store.delete('Order', ({ id }) => Number(id) % 10 !== 0)
    const few = ranges((await take('incremental')).manifest).length
    expect(few).toBeLessThan(full / 4)
    store.put('Order', ...Array.from({ length: 300 }, (_, id) => orderRow(id)))
    expect(ranges((await take('incremental')).manifest).length).toBeGreaterThan(few * 3)
  })
})

describe('a differential backup', () => {
  it('builds on the latest full, whatever came between', async () => {
    const { store, take } = shop()
    const full = await take('full')
    store.put('Order', orderRow(1, 'first'))
    const between = await take('incremental')
    store.put('Order', orderRow(299, 'second'))
    const { manifest, rowsRead } = await take('differential')
    expect(manifest).toMatchObject({ kind: 'differential', parent: full.result.snapshotId, lineage: { distance: 2 } })
    expect(rowsRead).toBeGreaterThan(between.rowsRead)
  })

  it('becomes a full when that full was deleted', async () => {
    const { rig, take } = shop()
    const full = await take('full')
    await take('incremental')
    await (await rig.open()).scope().hide(full.result.snapshotId, 'test')
    expect((await take('differential')).result).toMatchObject({ kind: 'full', kindReason: 'the latest full of the series is not there any more' })
  })
})

describe('an automatic backup', () => {
  it('is incremental when nothing speaks against it', async () => {
    const { take } = shop()
    expect((await take('auto')).result).toMatchObject({ kind: 'full', kindReason: 'the series has no snapshot to build on' })
    expect((await take('auto')).result).toMatchObject({ kind: 'incremental', kindReason: null })
  })

  it('is a full after so many snapshots', async () => {
    const { take } = shop(30, { fullAfterSnapshots: 3 })
    const kinds: string[] = []
    for (let run = 0; run < 7; run++) kinds.push((await take('auto')).result.kind)
    expect(kinds).toEqual(['full', 'incremental', 'incremental', 'full', 'incremental', 'incremental', 'full'])
  })

  it('is a full after so many days', async () => {
    const { take } = shop(30, { fullAfterDays: 2 })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    try {
      await take('auto')
      vi.setSystemTime(Date.now() + 1.9 * 86_400_000)
      expect((await take('auto')).result.kind).toBe('incremental')
      vi.setSystemTime(Date.now() + 0.2 * 86_400_000)
      expect((await take('auto')).result).toMatchObject({ kind: 'full', kindReason: 'the latest full of the series is 2 days old' })
    } finally {
      vi.useRealTimers()
    }
  })

  it('is a full when the schema changed', async () => {
    const { store, take } = shop()
    await take('auto')
    store.addField('Order', 'colour')
    expect((await take('auto')).result).toMatchObject({ kind: 'full', kindReason: 'the schema of the entities changed' })
  })

  it('is a full when the newest snapshot cannot be read, which an incremental refuses', async () => {
    const { rig, take } = shop()
    const { result } = await take('full')
    for await (const { key } of rig.storage.list('main/')) {
      if (!key.includes(`${result.snapshotId}/manifest`)) continue
      const bytes = Buffer.from(await rig.storage.get(key))
      bytes[bytes.length - 5]! ^= 1
      await rig.storage.put(key, bytes, { ifAbsent: false })
    }
    expect(await codeOf(rig.start(undefined, { kind: 'incremental' }))).toBe('E_ARCHIVE_CORRUPT')
    expect((await take('auto')).result).toMatchObject({ kind: 'full', kindReason: `snapshot ${result.snapshotId} cannot be read (E_ARCHIVE_CORRUPT)` })
  })
})

it('any history of changes, pauses and backups of all kinds: every snapshot is the truth of its moment, and stays it', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('put' as const), id: fc.integer({ min: 0, max: 200 }), count: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ do: fc.constant('delete' as const), id: fc.integer({ min: 0, max: 150 }), count: fc.integer({ min: 1, max: 120 }) }),
    fc.record({ do: fc.constant('back up' as const), kind: fc.constantFrom<BackupKind>('full', 'incremental', 'differential', 'auto') }),
    fc.record({ do: fc.constant('pause' as const), batches: fc.integer({ min: 1, max: 6 }), id: fc.integer({ min: 0, max: 200 }) }),
    fc.record({ do: fc.constant('hide' as const), which: fc.nat() }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      const { store, rig, take } = shop(100, { fullAfterSnapshots: 4 })
      const taken = new Map<string, readonly string[]>()
      for (const action of steps) {
        if (action.do === 'put') for (let id = action.id; id < action.id + action.count; id++) store.put('Order', orderRow(id, `note ${taken.size}`))
        else if (action.do === 'delete') store.delete('Order', ({ id }) => Number(id) >= action.id && Number(id) < action.id + action.count)
        else if (action.do === 'back up') taken.set((await take(action.kind)).result.snapshotId, truth(store))
        else if (action.do === 'hide') {
          const id = [...taken.keys()][action.which % Math.max(1, taken.size)]
          if (id) {
            taken.delete(id)
            await (await rig.open()).scope().hide(id, 'test')
          }
        } else {
          store.put('Order', orderRow(action.id, 'before the pause'))
          const session = await rig.start(undefined, { kind: 'incremental' })
          let seen = 0
          store.step = ({ call }) => {
            if (call === 'read' && ++seen === action.batches) void session.pause()
          }
          await session.result().catch(() => {})
          store.step = () => {}
          store.put('Order', orderRow(action.id, 'after the pause'))
          const { snapshotId } = await (await rig.resume(session.token)).result()
          // Paused or not in time: the view that counts is then the first.
          if (session.state === 'paused') taken.set(snapshotId, truth(store))
        }
      }
      for (const [id, lines] of taken) expect(await image(rig, await rig.manifest(id))).toEqual(lines)
    }),
    { numRuns: 60 },
  )
})

async function chunkNames(rig: BackupRig): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of rig.storage.list('main/')) if (key.includes('/chunks/')) names.push(key)
  return names
}
