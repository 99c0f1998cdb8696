import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { secretKey } from '../../src/crypto/encryption.ts'
import { createHoldfast } from '../../src/holdfast.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { definePlan } from '../../src/plan/index.ts'
import { openSqliteShop, SHOP, SHOP_SCHEMAS } from '../fixtures/sqlite-shop.ts'
import { collect } from './collect.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Backups on a storage, plain and encrypted, that come back to the last byte. */
export function backupSuite(open: (prefix: string) => StorageAdapter): void {
  describe.each([{ encrypted: false }, { encrypted: true }])('holds backups, %o', ({ encrypted }) => {
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
      const encryption = encrypted ? { encryption: { providers: [secretKey(Buffer.alloc(32, 7))] } } : {}
      const prefix = `backups-${uuidv7()}/`
      const plan = definePlan({ id: 'shop', description: 'A shop', entities: [...SHOP_SCHEMAS], policy: { chunkBytes: 64 * 1024 } })
      const boot = () => createHoldfast({ stores: [typeormStore(shop.dataSource)], storage: open(prefix), plans: [plan], ...encryption })
      const holdfast = await boot()
      const full = await holdfast.backups.run('shop')
      await shop.dataSource.query("UPDATE orders SET status = 'sent' WHERE id = 7")
      const before = await shop.digest()
      const incremental = await holdfast.backups.run('shop', { kind: 'incremental' })
      expect(incremental.parent).toBe(full.snapshotId)
      await holdfast.close()

      await shop.dataSource.query('DELETE FROM order_line WHERE id % 3 = 0')
      await shop.dataSource.query("UPDATE orders SET status = 'lost' WHERE id % 5 = 0")
      if (encrypted) await expect(openRepository({ storage: open(prefix) })).rejects.toMatchObject({ code: 'E_KEY_MISSING' })
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
}

async function empty(storage: StorageAdapter): Promise<void> {
  await storage.delete((await collect(storage.list(''))).map(({ key }) => key))
  await storage.close()
}
