import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AdapterCapabilities, StorageAdapter } from '../../src/contracts/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { createHoldfast } from '../../src/holdfast.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { definePlan } from '../../src/plan/index.ts'
import { conformanceCases, runConformanceCase } from '../../src/storage/conformance/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openSqliteShop, SHOP, SHOP_SCHEMAS } from '../fixtures/sqlite-shop.ts'
import { collect } from './collect.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface PlaceSuite {
  readonly capabilities: AdapterCapabilities
  /** A new adapter on the place; called after the server is up. */
  open(prefix: string): StorageAdapter
}

/** What every cloud storage must pass on a real place: the conformance suite, and a backup that comes back. */
export function placeSuite({ capabilities, open }: PlaceSuite): void {
  describe('keeps its promises', () => {
    for (const one of conformanceCases(capabilities)) it(one.name, () => runConformanceCase(one, { open: () => open('suite/') }))
  })

  describe('holds backups', () => {
    const folder = temporaryFolder()
    let shop: Awaited<ReturnType<typeof openSqliteShop>>
    beforeAll(async () => {
      shop = await openSqliteShop(folder.path)
    })
    afterAll(async () => {
      await shop?.dataSource.destroy()
      folder.remove()
    })

    it('full, incremental, pruned, and restored', async () => {
      const prefix = `backups-${uuidv7()}/`
      const plan = definePlan({ id: 'shop', description: 'A shop', entities: [...SHOP_SCHEMAS], policy: { chunkBytes: 64 * 1024 } })
      const boot = () => createHoldfast({ stores: [typeormStore(shop.dataSource)], storage: open(prefix), plans: [plan] })
      const holdfast = await boot()
      const full = await holdfast.backups.run('shop')
      await shop.dataSource.query("UPDATE orders SET status = 'sent' WHERE id = 7")
      const before = await shop.digest()
      const incremental = await holdfast.backups.run('shop', { kind: 'incremental' })
      expect(incremental.parent).toBe(full.snapshotId)
      await holdfast.close()

      await shop.dataSource.query('DELETE FROM order_line WHERE id % 3 = 0')
      await shop.dataSource.query("UPDATE orders SET status = 'lost' WHERE id % 5 = 0")
      // Another process, which knows nothing of the first.
      const later = await boot()
      expect((await later.discovery.verify(incremental.snapshotId)).damages).toEqual([])
      const { totals } = await later.restores.restore({ snapshot: incremental.snapshotId, policy: 'overwrite' })
      expect(totals).toMatchObject({ create: Math.floor(SHOP.lines / 3), update: SHOP.orders / 5 })
      expect(await shop.digest()).toBe(before)

      await later.discovery.delete(full.snapshotId, { reason: 'a test' })
      await later.discovery.prune({ graceMs: 0, allowMoreThanHalf: true })
      await later.discovery.prune({ graceMs: 0, allowMoreThanHalf: true })
      expect((await later.discovery.verify(incremental.snapshotId)).damages).toEqual([])
      await later.close()
      await empty(open(prefix))
    })
  })

  describe('at its edges', () => {
    it('takes bodies of more than one request, create-only too', async () => {
      const storage = open(`large-${uuidv7()}/`)
      // Bytes that differ from place to place, so that parts out of order are found.
      const body = Buffer.alloc(35 * 1024 * 1024 + 7)
      for (let at = 0; at + 4 <= body.byteLength; at += 4096) body.writeUInt32LE(at, at)
      await storage.put('large', body, { ifAbsent: true })
      expect(Buffer.compare(await storage.get('large'), body)).toBe(0)
      expect(await storage.stat('large')).toMatchObject({ bytes: body.byteLength })
      body.fill(1)
      await expect(storage.put('large', body, { ifAbsent: true })).rejects.toMatchObject({ code: 'E_STORAGE_EXISTS' })
      expect(Buffer.from(await storage.get('large', { range: { start: 4096, end: 4100 } })).readUInt32LE()).toBe(4096)
      const raced = await Promise.allSettled(['a', 'b', 'c'].map((letter) => storage.put('raced', body.fill(letter), { ifAbsent: true })))
      expect(raced.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      await empty(storage)
    })

    it('ends a put that is aborted, and leaves nothing that is seen', async () => {
      const storage = open(`aborted-${uuidv7()}/`)
      await storage.put('first', Buffer.from('x'), { ifAbsent: true })
      for (const size of [20 * 1024 * 1024, 70 * 1024 * 1024]) {
        const controller = new AbortController()
        const put = storage.put('aborted', Buffer.alloc(size), { ifAbsent: true, signal: controller.signal })
        setTimeout(() => controller.abort(), 5)
        await expect(put).rejects.toMatchObject({ code: 'E_ABORTED' })
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(await storage.stat('aborted')).toBeNull()
      await empty(storage)
    })

    it('keeps to its prefix', async () => {
      const [left, right] = [open(`left-${uuidv7()}/`), open(`right-${uuidv7()}/`)]
      await left.put('same', Buffer.from('left'), { ifAbsent: true })
      await right.put('same', Buffer.from('right'), { ifAbsent: true })
      expect(String(await left.get('same'))).toBe('left')
      expect((await collect(right.list(''))).map(({ key }) => key).filter((key) => key !== 'holdfast-probe')).toEqual(['same'])
      await expect(left.get('../same')).rejects.toMatchObject({ code: 'E_STORAGE_KEY' })
      await empty(left)
      expect(String(await right.get('same'))).toBe('right')
      await empty(right)
    })

    it('deletes more than one batch has', async () => {
      const storage = open(`many-${uuidv7()}/`)
      const keys = Array.from({ length: 300 }, (_, n) => `n/${String(n).padStart(4, '0')}`)
      for (let at = 0; at < keys.length; at += 30)
        await Promise.all(keys.slice(at, at + 30).map((key) => storage.put(key, Buffer.from(key), { ifAbsent: false })))
      await storage.delete([...keys, 'n/absent'])
      expect(await collect(storage.list('n/'))).toEqual([])
      await empty(storage)
    })

    it('opens no repository where there is none', async () => {
      const storage = open(`none-${uuidv7()}/`)
      await expect(openRepository({ storage })).rejects.toMatchObject({ code: 'E_ARCHIVE_MISSING' })
      await storage.close()
    })
  })
}

async function empty(storage: StorageAdapter): Promise<void> {
  await storage.delete((await collect(storage.list(''))).map(({ key }) => key))
  await storage.close()
}
