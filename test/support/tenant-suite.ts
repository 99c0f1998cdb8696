import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { CUSTOMERS, TENANTS, tenantPlan, tenantShop } from '../fixtures/tenants/tenant-shop.ts'
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { createHoldfast, type Holdfast } from '../../src/holdfast.ts'
import { brief, collect } from './compare-rig.ts'
import type { OpenedStore } from './end-to-end/orm-under-test.ts'
import { createLiveDatabase, type LiveDatabase } from './end-to-end/live-database.ts'
import { failure } from './failure.ts'
import { mysqlUrl } from './mysql.ts'
import { settle } from './postgres.ts'

const [ACME, LOUD] = TENANTS
/** Customers, tags, orders, three lines each and a label each; and the countries of all. */
const ROWS = CUSTOMERS * 7 + 2

/** Tenants in shared tables, by the public API alone. */
export function describeTenants(name: string, open: (dialect: ChinookDialect, location: string) => Promise<OpenedStore>): void {
  describe.each(['postgres', 'sqlite', 'mysql'] as const)(`tenants, ${name} on %s`, (dialect) => {
    describe.skipIf(dialect === 'mysql' && mysqlUrl() === null)('in shared tables', () => {
      let database: LiveDatabase
      let opened: OpenedStore
      let storage: StorageAdapter
      let holdfast: Holdfast

      beforeEach(async () => {
        database = await createLiveDatabase(dialect)
        await database.carelessly(...tenantShop(dialect))
        opened = await open(dialect, database.location)
        storage = memoryStorage()
        holdfast = await createHoldfast({ stores: [opened.store], storage, plans: [tenantPlan(opened.store)] })
      })
      afterEach(async () => {
        await holdfast.close()
        await opened.close()
        await database.drop()
      })

      const backUp = (scope: string, kind: 'full' | 'incremental' = 'full') => holdfast.backups.run('shop', { scope, kind })
      /** What is still under way elsewhere on the server would make rows look younger than they are. */
      const settled = async () => {
        if (dialect !== 'postgres') return
        const client = new pg.Client({ connectionString: database.location })
        await client.connect()
        await settle({ query: async (sql: string) => (await client.query(sql)).rows }).finally(() => client.end())
      }
      const ids = async (scope: string, snapshot: string, entity: string) => {
        const reader = await holdfast.discovery.open(snapshot, { scope })
        const found: number[] = []
        for await (const record of reader.stream(entity)) found.push(Number((record as { id: unknown }).id))
        return found
      }

      it('gives each tenant its own rows and no others', async () => {
        for (const [at, tenant] of TENANTS.entries()) {
          const { snapshotId, totals } = await backUp(tenant)
          expect(totals.rows).toBe(ROWS)
          const own = Array.from({ length: CUSTOMERS }, (_, n) => n * TENANTS.length + at + 1)
          for (const entity of ['Customer', 'Order', 'Tag']) expect(await ids(tenant, snapshotId, entity)).toEqual(own)
          const manifest = await holdfast.discovery.snapshot(snapshotId, { scope: tenant })
          expect(manifest).toMatchObject({ tenant, scope: expect.stringMatching(/^[0-9a-f]{32}$/) })
        }
      })

      it('takes over what did not change, and sees every way in which a row comes to or leaves a tenant', async () => {
        await settled()
        const first = await backUp(ACME)
        const again = await backUp(ACME, 'incremental')
        expect(again.entities.map(({ reusedChunks }) => reusedChunks)).toEqual(again.entities.map(() => 1))
        // The order itself is not written: its customer goes to another tenant, and with it the order, its lines and its label.
        await database.carelessly(`UPDATE customer SET tenant = 'ACME' WHERE id = 1`, `UPDATE customer SET tenant = 'acme' WHERE id = 2`)
        const brief1 = brief(await collect(await holdfast.comparisons.compare({ before: again.snapshotId, scope: ACME })))
        expect(brief1.filter((line) => /^(Customer|Order|OrderLine) /.test(line))).toEqual(
          [
            'Customer [1] removed',
            'Customer [2] added',
            'Order [1] removed',
            'Order [2] added',
            ...[1, 2, 3].flatMap((no) => [`OrderLine [1,${no}] removed`, `OrderLine [2,${no}] added`]),
          ].sort(),
        )
        await settled()
        const moved = await backUp(ACME, 'incremental')
        expect(moved.totals.rows).toBe(ROWS)
        const own = [2, ...Array.from({ length: CUSTOMERS - 1 }, (_, n) => (n + 1) * TENANTS.length + 1)]
        expect(await ids(ACME, moved.snapshotId, 'Customer')).toEqual(own)
        expect(await ids(ACME, moved.snapshotId, 'Order')).toEqual(own)
        expect(await ids(ACME, first.snapshotId, 'Order')).not.toContain(2)
        // Written by another tenant: nothing of this one's is read out again.
        await database.carelessly(`UPDATE customer SET name = 'x' WHERE id = 3`)
        const quiet = await backUp(ACME, 'incremental')
        expect(quiet.entities.map(({ reusedChunks }) => reusedChunks)).toEqual(quiet.entities.map(() => 1))
      })

      it('keeps what one tenant has out of the sight of all others', async () => {
        const { snapshotId } = await backUp(ACME)
        for (const scope of [LOUD, '../' + ACME, undefined]) {
          await failure(holdfast.discovery.snapshot(snapshotId, { scope }), 'E_SNAPSHOT_UNKNOWN')
          await failure(holdfast.discovery.delete(snapshotId, { scope, reason: 'a try' }), 'E_SNAPSHOT_UNKNOWN')
          await failure(holdfast.discovery.verify(snapshotId, { scope }), 'E_SNAPSHOT_UNKNOWN')
          await failure(holdfast.comparisons.compare({ before: snapshotId, scope }), 'E_SNAPSHOT_UNKNOWN')
          expect(await holdfast.discovery.snapshots({ scope })).toEqual([])
        }
        expect((await holdfast.discovery.snapshots({ scope: ACME })).map(({ id }) => id)).toEqual([snapshotId])
      })

      it('runs for a tenant or not at all', async () => {
        await failure(holdfast.backups.run('shop'), 'E_SCOPE')
        for (const scope of ['', 'a\0b', '\ud800', 'x'.repeat(513), 7 as unknown as string]) await failure(holdfast.backups.run('shop', { scope }), 'E_SCOPE')
        const stored: string[] = []
        for await (const { key } of storage.list('')) stored.push(key)
        expect(stored).toEqual([])
      })

      it('goes on with a session for the tenant that it is of alone', async () => {
        const session = await holdfast.backups.start('shop', { scope: ACME })
        const token = await session.pause()
        for (const scope of [LOUD, `${ACME} `]) await failure(holdfast.backups.resume(token, { scope }), 'E_TOKEN_INVALID')
        await failure(holdfast.backups.resume(token), 'E_SCOPE')
        const [body, mac] = token.split('.')
        const pointer = JSON.parse(Buffer.from(body!, 'base64url').toString()) as Record<string, unknown>
        for (const scope of [null, '0'.repeat(32), '-', '../-']) {
          const forged = `${Buffer.from(JSON.stringify({ ...pointer, scope })).toString('base64url')}.${mac}`
          await failure(holdfast.backups.resume(forged, { scope: ACME }), 'E_TOKEN_INVALID')
        }
        expect((await (await holdfast.backups.resume(token, { scope: ACME })).result()).totals.rows).toBe(ROWS)
      })

      it('gives back the space of each tenant by itself', async () => {
        const [kept, gone] = [await backUp(ACME), await backUp(LOUD)]
        await database.carelessly(`UPDATE tag SET label = 'new' WHERE id = 2`)
        const later = await backUp(LOUD)
        await holdfast.discovery.delete(gone.snapshotId, { scope: LOUD, reason: 'done with' })
        const prune = () => holdfast.discovery.prune({ graceMs: 0 })
        await prune()
        const { buckets } = await prune()
        expect(buckets.reduce((sum, { deleted }) => sum + deleted.snapshots, 0)).toBe(1)
        expect(buckets).toHaveLength(3)
        expect((await holdfast.discovery.verify(kept.snapshotId, { scope: ACME })).damages).toEqual([])
        expect((await holdfast.discovery.verify(later.snapshotId, { scope: LOUD })).damages).toEqual([])
      })

      it('refuses what was stored for another tenant', async () => {
        const [mine, theirs] = [await backUp(ACME), await backUp(LOUD)]
        const [own, other] = [
          (await holdfast.discovery.snapshot(mine.snapshotId, { scope: ACME })).scope!,
          (await holdfast.discovery.snapshot(theirs.snapshotId, { scope: LOUD })).scope!,
        ]
        const copied: string[] = []
        for await (const { key } of storage.list(`s/${other}/`)) {
          const to = key.replace(other, own)
          if (await storage.stat(to)) continue
          await storage.put(to, [await storage.get(key)], { ifAbsent: true })
          copied.push(to)
        }
        expect(copied.some((key) => key.endsWith('/manifest'))).toBe(true)
        await failure(holdfast.discovery.snapshot(theirs.snapshotId, { scope: ACME }), 'E_ARCHIVE_CORRUPT')
        expect((await holdfast.discovery.verify(mine.snapshotId, { scope: ACME })).damages).toEqual([])
      })

      it('rewinds one tenant among others that stay as they are', async () => {
        const before = await database.image()
        const { snapshotId } = await backUp(ACME)
        // A bad hour: rows changed, gone and made, of this tenant and of another; and what is everybody's has another name.
        await database.carelessly(
          `UPDATE customer SET name = 'bad' WHERE id IN (1, 2)`,
          `DELETE FROM order_tag WHERE order_id IN (5, 6)`,
          `DELETE FROM order_line WHERE order_id IN (5, 6)`,
          `DELETE FROM orders WHERE id IN (5, 6)`,
          `INSERT INTO orders VALUES (1001, 1, 'new'), (1002, 2, 'new')`,
          `INSERT INTO order_line VALUES (1001, 1, 'new'), (1002, 1, 'new')`,
          `UPDATE country SET name = 'Oesterreich' WHERE code = 'at'`,
        )
        const bad = await database.image()
        const restore = (more: object = {}) => holdfast.restores.restore({ snapshot: snapshotId, scope: ACME, policy: 'overwrite', deleteExtra: true, ...more })
        const planned = await restore({ dryRun: true })
        const done = await restore()
        const counts = ({ entities }: typeof done) =>
          Object.fromEntries(entities.map(({ entity, create, update, delete: deleted, extra, keep }) => [entity, { create, update, deleted, extra, keep }]))
        expect(counts(done)).toEqual(counts(planned))
        expect(counts(done)).toMatchObject({
          Customer: { create: 0, update: 1, deleted: 0, extra: 0 },
          Order: { create: 1, update: 0, deleted: 1, extra: 1 },
          OrderLine: { create: 3, update: 0, deleted: 1, extra: 1 },
          Country: { create: 0, update: 0, deleted: 0, keep: 1 },
        })
        // This tenant as it was before, all others as they were after.
        await database.carelessly(
          `UPDATE customer SET name = 'customer 2' WHERE id = 2`,
          `INSERT INTO orders VALUES (6, 6, 'order 6')`,
          `INSERT INTO order_line VALUES (6, 1, 'line 6.1'), (6, 2, 'line 6.2'), (6, 3, 'line 6.3')`,
          `INSERT INTO order_tag VALUES (6, 6)`,
          `DELETE FROM order_line WHERE order_id = 1002`,
          `DELETE FROM orders WHERE id = 1002`,
          `UPDATE country SET name = 'Austria' WHERE code = 'at'`,
        )
        expect(await database.image()).toEqual(before)
        expect(bad).not.toEqual(before)
      })

      it('overwrites no row that another tenant has by now', async () => {
        const { snapshotId } = await backUp(ACME)
        const restore = (more: object) => holdfast.restores.restore({ snapshot: snapshotId, scope: ACME, policy: 'overwrite', ...more })
        // The customer is another's, and so are its orders, though nobody has written to them.
        await database.carelessly(`UPDATE customer SET tenant = 'ACME' WHERE id = 1`, `UPDATE tag SET label = 'x' WHERE id = 5`)
        const live = await database.image()
        for (const more of [{}, { dryRun: true }, { policy: 'skip' }, { entities: ['Customer'] }, { entities: ['OrderLine'] }, { deleteExtra: true }]) {
          const { details } = await failure(restore(more), 'E_SCOPE_ROWS')
          expect(JSON.stringify(details)).toMatch(/\[1(,1)?\]/)
          expect(await database.image()).toEqual(live)
        }
      })

      it('takes in no record of another tenant', async () => {
        const { snapshotId } = await backUp(ACME)
        const manifest = await holdfast.discovery.snapshot(snapshotId, { scope: ACME })
        const other = await holdfast.discovery.snapshot((await backUp(LOUD)).snapshotId, { scope: LOUD })
        for await (const { key } of storage.list(`s/${other.scope}/chunks/`)) {
          const to = key.replace(other.scope!, manifest.scope!)
          if (!(await storage.stat(to))) await storage.put(to, [await storage.get(key)], { ifAbsent: true })
        }
        // All keys are free, so that nothing but the records themselves tells whose they are.
        for (const table of ['order_tag', 'order_line']) await database.carelessly(`DELETE FROM ${table} WHERE order_id % 4 = 2`)
        await database.carelessly(`DELETE FROM orders WHERE id % 4 = 2`, `DELETE FROM tag WHERE id % 4 = 2`)
        const emptied = await database.image()
        for (const chosen of [['Order', 'OrderLine'], ['Tag']]) {
          // A manifest that was forged to hold another tenant's: whatever a snapshot says, what it brings is looked at.
          const entities = other.entities.filter(({ descriptor }) => chosen.includes(descriptor.name))
          const rows = entities.reduce((sum, { rows: own }) => sum + own, 0)
          const forged = { ...manifest, snapshotId: uuidv7(), entities, totals: { ...manifest.totals, entities: entities.length, rows } }
          await (await openRepository({ storage })).scopeOf(ACME).writeManifest(forged)
          const { message } = await failure(holdfast.restores.restore({ snapshot: forged.snapshotId, scope: ACME, policy: 'overwrite' }), 'E_SCOPE_ROWS')
          expect(message).toContain('records are not of the tenant')
          expect(await database.image()).toEqual(emptied)
        }
      })

      it('looks again at what it is about to write, whatever a comparison found', async () => {
        const live = await database.image()
        const [record] = await opened.store.describe([{ entity: 'Tag' }])
        const merge = async (id: number, tenant: string) => {
          const filter = { path: [], field: 'tenant', value: ACME }
          const target = await opened.store.openTarget({ restoreId: uuidv7(), entities: [{ entity: 'Tag', filter }] })
          const line = Buffer.from(`${JSON.stringify({ id, tenant, label: 'x' })}\n`)
          const lines = {
            rows: 1,
            open: async function* () {
              yield await Promise.resolve(line)
            },
          }
          const item = { record: record!, entity: 'Tag', policy: 'overwrite' as const, lines }
          try {
            expect(await target.isEmpty('Tag')).toBe(false)
            expect((await target.stage(item)).problems).toEqual([])
            return await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })
          } finally {
            await target.close()
          }
        }
        const tries = [
          ['the row of another', 2, ACME],
          ['a row of its own that would go to another', 1, LOUD],
          ['a new row of another', 4001, LOUD],
          ['a new row of one that looks alike', 4002, `${ACME} `],
        ] as const
        for (const [what, id, tenant] of tries) {
          await failure(merge(id, tenant), 'E_SCOPE_ROWS')
          expect(await database.image(), what).toEqual(live)
        }
        expect((await merge(1, ACME)).entities).toMatchObject([{ updated: 1 }])
      })

      it('finds nothing to restore without the tenant', async () => {
        const { snapshotId: snapshot } = await backUp(ACME)
        for (const scope of [undefined, LOUD]) await failure(holdfast.restores.restore({ snapshot, scope }), 'E_SNAPSHOT_UNKNOWN')
      })
    })
  })
}
