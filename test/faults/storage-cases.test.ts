import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { openSegments, sealSegments } from '../../src/crypto/index.ts'
import { verifySnapshot } from '../../src/service/verify-snapshot.ts'
import { backupRig, codeOf, manifestFaults, pausedAt, planOf } from '../support/backup-rig.ts'
import { collect } from '../support/collect.ts'
import { FaultyStorage } from '../support/faulty-storage.ts'
import { heldStorage } from '../support/held-storage.ts'
import { DAY, HOUR, pruneRig } from '../support/prune-rig.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from '../support/shop-store.ts'

const POLICY = { chunkBytes: 400, concurrency: 3 }

function shop(orders = 80) {
  const store = shopStore(orders)
  const storage = memoryStorage()
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: POLICY }), storage })
  const expectTruth = async (id: string) => {
    const manifest = await rig.manifest(id)
    expect(manifestFaults(manifest)).toEqual([])
    for (const entity of SHOP_ENTITIES) expect(await rig.lines(manifest, entity)).toBe(store.lines(entity))
    return manifest
  }
  const damagesOf = async (id: string) => (await verifySnapshot(await rig.manifest(id), async () => (await rig.open()).scope(), 'plain', {})).damages
  return { store, storage, rig, expectTruth, damagesOf }
}

test('case 07: a bit that flips after the hash was taken never reaches the storage, and the chunk is made anew', async () => {
  const { storage, rig, expectTruth } = shop()
  let chunks = 0
  const flipping = new FaultyStorage(storage, ({ method, key }) =>
    method === 'put' && key.endsWith('.hfc') && ++chunks === 5 ? { kind: 'flip', at: 777 } : undefined,
  )
  const session = await rig.start(flipping)
  expect(await codeOf(session.result())).toBe('E_STORAGE')
  flipping.assertFired()
  expect(await rig.snapshots()).toEqual([])
  const { snapshotId } = await (await rig.resume(session.token)).result()
  await expectTruth(snapshotId)
  const { chunks: store } = (await rig.open()).scope()
  for (const { ranges } of (await rig.manifest(snapshotId)).entities)
    for (const layer of ranges.flatMap(({ layers }) => layers)) await store.verify(layer, { level: 'plain' })
})

test('case 12: a tag of four bytes, of zeros, or none at all opens nothing', () => {
  const key = Buffer.alloc(32, 1)
  const additional = Buffer.from('header')
  const sealed = Buffer.concat(sealSegments(key, additional, [Buffer.from('twenty bytes of text')]))
  const body = sealed.subarray(0, sealed.byteLength - 16)
  expect(openSegments(key, additional, sealed)).toEqual(Buffer.from('twenty bytes of text'))
  for (const bytes of [sealed.subarray(0, body.byteLength + 4), Buffer.concat([body, Buffer.alloc(16)]), body, Buffer.alloc(16), Buffer.alloc(0)])
    expect(openSegments(key, additional, bytes)).toBeNull()
})

describe('case 17: a session of which an entry of the journal', () => {
  const entries = async (storage: StorageAdapter) =>
    (await collect(storage.list('main/s/-/sessions/'))).map(({ key }) => key).filter((key) => key.includes('/journal/'))
  const damages: readonly (readonly [string, (storage: StorageAdapter, second: string, third: string) => Promise<void>])[] = [
    ['is missing in the middle', (storage, second) => storage.delete([second])],
    [
      'was altered',
      async (storage, second) => {
        const bytes = Buffer.from(await storage.get(second))
        bytes[bytes.byteLength >> 1]! ^= 1
        await storage.put(second, bytes, { ifAbsent: false })
      },
    ],
    ['is another one', async (storage, second, third) => storage.put(second, await storage.get(third), { ifAbsent: false })],
  ]

  test.each(damages)('%s is not resumed, shows nothing, and a new run is whole', async (_, damage) => {
    const { store, storage, rig, expectTruth } = shop()
    let token = await pausedAt(8, store, rig.start())
    for (let more = 0; more < 2; more++) token = await pausedAt(4, store, rig.resume(token))
    const names = await entries(storage)
    expect(names.length).toBeGreaterThan(3)
    await damage(storage, names[1]!, names[2]!)
    const stored = await collect(storage.list('main/s/-/chunks/'))
    expect(await codeOf(rig.resume(token))).toBe('E_ARCHIVE_CORRUPT')
    expect(await rig.snapshots()).toEqual([])
    expect(await collect(storage.list('main/s/-/chunks/'))).toEqual(stored)
    await expectTruth((await (await rig.start()).result()).snapshotId)
  })
})

describe('case 18: a listing that is late, or gives objects twice', () => {
  test('makes prune delete nothing that is needed', async () => {
    for (const kind of ['stale', 'duplicate'] as const) {
      const rig = pruneRig()
      const kept = [await rig.backUp(), await rig.backUp()]
      const gone = await rig.backUp()
      await rig.hide(gone)
      for (let run = 0; run < 4; run++) {
        // Each run sees nothing of what the last hour brought, the newest snapshot included.
        const last = await rig.backUp('incremental')
        kept.push(last)
        const odd = new FaultyStorage(rig.storage, ({ method }) =>
          method === 'list' ? (kind === 'stale' ? { kind, since: rig.clock.now() - HOUR } : { kind }) : undefined,
        )
        await rig.prune({ allowMoreThanHalf: true }, odd).catch(() => {})
        odd.assertFired()
        expect(await rig.rig.snapshots()).toEqual(kept)
        expect(await rig.faults()).toEqual([])
        rig.clock.move(25 * HOUR)
      }
    }
  })

  test('gives no wrong newest snapshot to build on: a backup is whole, or fails', async () => {
    for (const kind of ['stale', 'duplicate'] as const) {
      const rig = pruneRig()
      await rig.backUp()
      rig.clock.move(DAY)
      await rig.backUp('incremental')
      rig.store.put('Order', orderRow(3, 'changed'))
      const odd = new FaultyStorage(rig.storage, ({ method }) =>
        method === 'list' ? (kind === 'stale' ? { kind, since: rig.clock.now() - HOUR } : { kind }) : undefined,
      )
      await codeOf((async () => (await rig.start({ kind: 'incremental' }, odd)).result())())
      odd.assertFired()
      expect(await rig.faults()).toEqual([])
      for (const id of await rig.rig.snapshots()) expect(manifestFaults(await rig.rig.manifest(id))).toEqual([])
    }
  })
})

test('case 21: a prune that races a new incremental on the doomed parent leaves the new run complete', async () => {
  for (const prunes of [1, 2, 3]) {
    const rig = pruneRig()
    await rig.backUp()
    const parent = await rig.backUp('incremental')
    rig.store.put('Order', ...Array.from({ length: 30 }, (_, id) => orderRow(id, 'changed')))
    rig.clock.move(2 * HOUR)
    const held = heldStorage(rig.storage)
    held.hold()
    const session = await rig.start({ kind: 'incremental' }, held.storage)
    const result = session.result()
    while (held.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    await rig.hide(parent)
    for (let run = 0; run < prunes; run++) {
      await rig.prune({ allowMoreThanHalf: true })
      rig.clock.move(25 * HOUR)
    }
    held.release()
    const { snapshotId } = await result
    for (let run = 0; run < 3; run++) {
      await rig.prune({ allowMoreThanHalf: true })
      rig.clock.move(25 * HOUR)
    }
    expect(await rig.rig.snapshots()).toContain(snapshotId)
    expect(await rig.faults()).toEqual([])
    for (const entity of SHOP_ENTITIES) expect(await rig.rig.lines(await rig.rig.manifest(snapshotId), entity)).toBe(rig.store.lines(entity))
  }
})

test('case 28: a chunk that several snapshots share is lost: all say so, and the next run stores it anew', async () => {
  for (const kind of ['full', 'incremental'] as const) {
    const { store, storage, rig, expectTruth, damagesOf } = shop()
    const ids = [(await (await rig.start()).result()).snapshotId]
    for (let n = 0; n < 2; n++) {
      store.put('OrderLine', { region: 'aa', no: 1, text: `round ${n}` })
      ids.push((await (await rig.start(undefined, { kind: 'incremental' })).result()).snapshotId)
    }
    const [layer] = (await rig.manifest(ids[0]!)).entities.find(({ descriptor }) => descriptor.name === 'Order')!.ranges[0]!.layers
    const lost = (await collect(storage.list('main/'))).map(({ key }) => key).filter((key) => key.includes(layer!.name))
    expect(lost).toHaveLength(2)
    await storage.delete(lost)
    for (const id of ids) expect(await damagesOf(id)).toEqual([expect.objectContaining({ object: layer!.name, code: 'E_ARCHIVE_MISSING' })])

    const next = await (await rig.start(undefined, { kind })).result()
    expect(await damagesOf(next.snapshotId)).toEqual([])
    await expectTruth(next.snapshotId)
    // Content-named: stored for the new one, it is there for the old ones as well.
    for (const id of ids) expect(await damagesOf(id)).toEqual([])
  }
})

test('case 19: a storage that ignores the condition of a put is found before it holds a repository', async () => {
  const base = memoryStorage()
  const { capabilities } = base
  const honest = { ...base, capabilities: { ...capabilities, conditionalPut: false } }
  await expect(openRepository({ storage: honest, create: true })).rejects.toMatchObject({ code: 'E_CAPABILITY', details: { missing: ['conditionalPut'] } })
  expect(await collect(base.list(''))).toEqual([])
})
