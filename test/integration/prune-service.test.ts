import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { definePlan } from '../../src/plan/index.ts'
import { openSqliteShop, SHOP_SCHEMAS, type SqliteShop } from '../fixtures/sqlite-shop.ts'
import { codeOf } from '../support/backup-rig.ts'
import { collect } from '../support/collect.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

let folder: ReturnType<typeof temporaryFolder>
let shop: SqliteShop
let holdfast: Holdfast

const plan = definePlan({ id: 'shop', description: 'A shop', entities: [...SHOP_SCHEMAS], policy: { chunkBytes: 64 * 1024 } })

beforeEach(async () => {
  folder = temporaryFolder()
  shop = await openSqliteShop(folder.path)
})
afterEach(async () => {
  await holdfast.close()
  await shop.dataSource.destroy()
  folder.remove()
})

async function boot(storage: StorageAdapter) {
  holdfast = await createHoldfast({ stores: [typeormStore(shop.dataSource)], storage, plans: [plan] })
  return holdfast
}

/** Now, without a grace period: nothing else runs. Twice, for the two phases. */
async function pruneNow() {
  await holdfast.discovery.prune({ graceMs: 0, allowMoreThanHalf: true })
  return holdfast.discovery.prune({ graceMs: 0, allowMoreThanHalf: true })
}

/** Lets reads of chunks wait. */
function gated(base: StorageAdapter) {
  let gate: PromiseWithResolvers<void> | null = null
  let waiting = 0
  return {
    storage: {
      ...base,
      get: async (...[key, options]: Parameters<StorageAdapter['get']>) => {
        if (gate && key.endsWith('.hfc')) {
          waiting++
          await gate.promise
        }
        return base.get(key, options)
      },
    } satisfies StorageAdapter,
    hold: () => void (gate = Promise.withResolvers<void>()),
    open: () => gate?.resolve(),
    get waiting() {
      return waiting
    },
  }
}

describe('discovery.prune', () => {
  it('gives the space of deleted snapshots back, on a file system', async () => {
    const root = join(folder.path, 'backups')
    const { backups, discovery } = await boot(fsStorage({ root, fsync: false }))
    const first = await backups.run('shop', { kind: 'full' })
    await shop.dataSource.query(`UPDATE order_line SET text = text || '!'`)
    const second = await backups.run('shop', { kind: 'full' })
    await discovery.delete(first.snapshotId, { reason: 'a test' })
    const planned = await discovery.prune({ dryRun: true, graceMs: 0 })
    const { bytesFreed, buckets } = await pruneNow()
    expect(planned.buckets[0]!.condemned).toEqual(buckets[0]!.deleted)
    expect(bytesFreed).toBeGreaterThan(0)
    expect((await discovery.snapshots()).map(({ id }) => id)).toEqual([second.snapshotId])
    expect((await discovery.verify(second.snapshotId)).damages).toEqual([])
    expect(await codeOf(discovery.verify(first.snapshotId))).toBe('E_SNAPSHOT_UNKNOWN')
    const referred = second.totals.chunks
    const files = (await readdir(root, { recursive: true })).filter((file) => /\.hf[cx]$/.test(file))
    expect(files).toHaveLength(referred * 2)
  })

  it('case 22: lets a restore end that began before the snapshot was deleted', async () => {
    const base = memoryStorage()
    const gate = gated(base)
    const { backups, discovery, restores } = await boot(gate.storage)
    const before = await shop.digest()
    const first = await backups.run('shop', { kind: 'full' })
    await shop.dataSource.query(`UPDATE order_line SET text = 'lost'`)
    await backups.run('shop', { kind: 'full' })

    gate.hold()
    const session = await restores.start({ snapshot: first.snapshotId, policy: 'overwrite' })
    while (gate.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    await discovery.delete(first.snapshotId, { reason: 'a test' })
    for (let run = 0; run < 3; run++) {
      const { buckets } = await discovery.prune({ graceMs: 0, allowMoreThanHalf: true })
      expect(buckets[0]).toMatchObject({ deleted: { chunks: 0 }, kept: { pinned: 1 } })
    }
    gate.open()
    await session.result()
    expect(await shop.digest()).toBe(before)
    await expect.poll(async () => collect(base.list('s/-/pins/'))).toEqual([])
    expect((await pruneNow()).buckets[0]!.deleted.snapshots).toBe(1)
  })

  it('case 22: lets a verification end that began before the snapshot was deleted, and finds no damage', async () => {
    const base = memoryStorage()
    const gate = gated(base)
    const { backups, discovery } = await boot(gate.storage)
    const first = await backups.run('shop', { kind: 'full' })
    await shop.dataSource.query(`UPDATE order_line SET text = 'lost'`)
    await backups.run('shop', { kind: 'full' })
    gate.hold()
    const verifying = discovery.verify(first.snapshotId)
    while (gate.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    await discovery.delete(first.snapshotId, { reason: 'a test' })
    expect((await pruneNow()).buckets[0]).toMatchObject({ deleted: { chunks: 0 }, kept: { pinned: 1 } })
    gate.open()
    expect((await verifying).damages).toEqual([])
    expect(await collect(base.list('s/-/pins/'))).toEqual([])
    expect((await pruneNow()).buckets[0]!.deleted.snapshots).toBe(1)
  })

  it('does not keep a restore from a storage that takes nothing any more', async () => {
    const base = memoryStorage()
    let full = false
    const { backups, restores } = await boot({
      ...base,
      put: async (...args) => {
        if (full) throw new HoldfastError('E_STORAGE_FULL', 'no space is left')
        await base.put(...args)
      },
    })
    const before = await shop.digest()
    const { snapshotId } = await backups.run('shop')
    await shop.dataSource.query(`UPDATE orders SET status = 'lost'`)
    full = true
    await restores.restore({ snapshot: snapshotId, policy: 'overwrite' })
    expect(await shop.digest()).toBe(before)
  })

  it('deletes a snapshot that cannot be read, and once only', async () => {
    const base = memoryStorage()
    const { backups, discovery } = await boot(base)
    const { snapshotId } = await backups.run('shop')
    await base.put(`s/-/snapshots/${snapshotId}/manifest`, Buffer.from('rubbish'), { ifAbsent: false })
    expect(await codeOf(discovery.prune({ graceMs: 0 }))).toBe('E_PRUNE_REFUSED')
    await discovery.delete(snapshotId, { reason: 'damaged' })
    expect(await codeOf(discovery.delete(snapshotId, { reason: 'damaged' }))).toBe('E_SNAPSHOT_UNKNOWN')
    await pruneNow()
    expect(await collect(base.list('s/-/chunks/'))).toEqual([])
  })
})

describe('a damaged chunk', () => {
  it('shows in every snapshot that shares it, is healed by the next full, and goes with the last that refers to it', async () => {
    const root = join(folder.path, 'backups')
    const { backups, discovery, restores } = await boot(fsStorage({ root, fsync: false }))
    const before = await shop.digest()
    const first = await backups.run('shop', { kind: 'full' })
    const second = await backups.run('shop', { kind: 'incremental' })
    const file = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.hfc')).sort()[0]!
    const chunk = file.replace(/^.*\//, '').replace('.hfc', '')
    const bytes = await readFile(join(root, file))
    bytes[bytes.length - 9]! ^= 0x40
    await writeFile(join(root, file), bytes)

    for (const { snapshotId } of [first, second])
      expect((await discovery.verify(snapshotId)).damages).toEqual([expect.objectContaining({ object: chunk, code: 'E_ARCHIVE_CORRUPT' })])

    const healed = await backups.run('shop', { kind: 'full' })
    expect((await discovery.verify(healed.snapshotId)).damages).toEqual([])
    const names = (await discovery.snapshot(healed.snapshotId)).entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name)))
    expect(names).toContain(`${chunk}.1`)
    expect(names).not.toContain(chunk)
    for (const { snapshotId } of [first, second]) expect((await discovery.verify(snapshotId)).damages).toHaveLength(1)
    // What is built on it is sound too.
    const next = await backups.run('shop', { kind: 'incremental' })
    expect((await discovery.verify(next.snapshotId)).damages).toEqual([])

    for (const { snapshotId } of [first, second]) await discovery.delete(snapshotId, { reason: 'damaged' })
    expect((await pruneNow()).buckets[0]!.deleted).toMatchObject({ snapshots: 2, chunks: 1 })
    expect((await readdir(root, { recursive: true })).some((name) => name.endsWith(`${chunk}.hfc`))).toBe(false)
    await shop.dataSource.query(`DELETE FROM order_line`)
    await restores.restore({ snapshot: healed.snapshotId, policy: 'overwrite' })
    expect(await shop.digest()).toBe(before)
  })
})
