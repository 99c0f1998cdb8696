import { join } from 'node:path'
import libsql from 'libsql'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import type { EntityStore, RestoreTarget } from '../../src/contracts/index.ts'
import { createHoldfast, definePlan, type Holdfast, type RestoreRequest } from '../../src/index.ts'
import { collect } from '../support/compare-rig.ts'
import { failure } from '../support/failure.ts'
import { meteredStorage, type MeteredStorage } from '../support/metered-storage.ts'
import { createMysqlDatabase, mysqlUrl, sequenceTable } from '../support/mysql.ts'
import { createTestDatabase, settle } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const customer = new EntitySchema<{ id: number; name: string; code: string | null }>({
  name: 'Customer',
  tableName: 'customer',
  columns: { id: { type: 'integer', primary: true }, name: { type: 'text' }, code: { type: 'varchar', length: '100', nullable: true, unique: true } },
})
const order = new EntitySchema<{ id: number; status: string; customer: object | null }>({
  name: 'Order',
  tableName: 'orders',
  columns: { id: { type: 'integer', primary: true }, status: { type: 'text' } },
  relations: { customer: { type: 'many-to-one', target: 'Customer', nullable: true, joinColumn: { name: 'customer_id' } } },
})

const ORDERS = 20_000
const CUSTOMERS = 2000

describe.each(['postgres', 'sqlite', ...(mysqlUrl() === null ? [] : (['mysql'] as const))] as const)(
  'a restore into %s that holds most of it already',
  (dialect) => {
    const folder = temporaryFolder()
    let dataSource: DataSource
    let meter: MeteredStorage
    let holdfast: Holdfast
    let snapshot: string
    let drop = async () => {}
    let settled = async () => {}
    /** Called before the target compares or merges, which other writers may do at any time. */
    let before: (call: 'look' | 'reconcile' | 'merge') => Promise<void> = async () => {}
    /** Records of each item that was staged. */
    let staged: number[] = []
    const run = (sql: string) => dataSource.query(sql)
    const restore = async (more: Partial<RestoreRequest> = {}) => {
      // While a transaction of before the last write is open elsewhere on the server, that write cannot be told from one that follows.
      await settled()
      return holdfast.restores.restore({ snapshot, policy: 'overwrite', ...more })
    }
    const differences = async () => collect(await holdfast.comparisons.compare({ before: snapshot }))

    beforeAll(async () => {
      const entities = [customer, order]
      if (dialect === 'postgres') {
        const database = await createTestDatabase()
        drop = () => database.drop()
        settled = () => settle(database)
        dataSource = new DataSource({ type: 'postgres', url: database.url, entities, synchronize: true })
      } else if (dialect === 'mysql') {
        const database = await createMysqlDatabase()
        drop = () => database.drop()
        dataSource = new DataSource({ type: 'mysql', url: database.url, entities, synchronize: true })
      } else {
        dataSource = new DataSource({
          type: 'better-sqlite3',
          driver: libsql,
          database: join(folder.path, 'shop.db'),
          entities,
          synchronize: true,
          enableWAL: true,
        })
      }
      await dataSource.initialize()
      const numbers = (count: number) =>
        dialect === 'mysql'
          ? `(SELECT seq AS i FROM ${sequenceTable(count)}) n`
          : `(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${count}) SELECT i FROM s) n`
      const text = (start: string) => (dialect === 'mysql' ? `concat('${start}', i)` : `'${start}' || i`)
      await run(`INSERT INTO customer (id, name, code) SELECT i, ${text('a customer of some length, number ')}, ${text('c')} FROM ${numbers(CUSTOMERS)}`)
      await run(
        `INSERT INTO orders (id, status, customer_id) SELECT i, ${text('a status of some length, of number ')}, 1 + i % ${CUSTOMERS} FROM ${numbers(ORDERS)}`,
      )
      meter = meteredStorage(fsStorage({ root: join(folder.path, 'backups') }))
      const store = withMoments(
        typeormStore(dataSource, { name: 'main' }),
        (call) => before(call),
        (rows) => staged.push(rows),
      )
      const plan = definePlan({ id: 'shop', description: 'd', entities, policy: { chunkBytes: 64 * 1024 } })
      holdfast = await createHoldfast({ stores: [store], storage: meter.storage, plans: [plan] })
      await settled()
      snapshot = (await holdfast.backups.run('shop', { kind: 'full' })).snapshotId
    })
    afterAll(async () => {
      await holdfast?.close()
      await dataSource?.destroy()
      await drop()
      folder.remove()
    })
    beforeEach(async () => {
      before = async () => {}
      await restore()
      await run(`DELETE FROM orders WHERE id > ${ORDERS} OR id <= 0`)
      meter.reset()
      staged = []
    })

    it('loads nothing where nothing differs, and reads no chunk', async () => {
      const { totals, entities } = await restore()
      expect(totals).toMatchObject({ records: ORDERS + CUSTOMERS, identical: ORDERS + CUSTOMERS, create: 0, update: 0 })
      expect(totals.ranges).toBeGreaterThan(15)
      expect(totals.skippedRanges).toBe(totals.ranges)
      expect(entities.map(({ extra }) => extra)).toEqual([0, 0])
      expect(meter.chunkReads).toBe(0)
    })

    it('loads the ranges that differ, and counts as if it had loaded all', async () => {
      await run(`DELETE FROM orders WHERE id IN (5, 7)`)
      await run(`UPDATE orders SET status = 'x' WHERE id = 6`)
      await run(`INSERT INTO orders (id, status) VALUES (${ORDERS + 1}, 'extra')`)
      const look = await restore({ dryRun: true })
      const done = await restore()
      for (const { entities, totals } of [look, done]) {
        expect(totals).toMatchObject({ records: ORDERS + CUSTOMERS, create: 2, update: 1, identical: ORDERS + CUSTOMERS - 3, keep: 0, conflict: 0 })
        // The first range; and the last, which has one row too many, unless the database can tell that all others are as they were.
        expect(totals.ranges - totals.skippedRanges).toBe(dialect === 'postgres' ? 1 : 2)
        expect(entities.find(({ entity }) => entity === 'Order')).toMatchObject({ extra: 1, records: ORDERS })
      }
      expect(done.entities.flatMap(({ samples }) => samples.map(({ action, key }) => `${action} ${key}`)).sort()).toEqual([
        'create [5]',
        'create [7]',
        'update [6]',
      ])
      expect(await differences()).toMatchObject([{ key: `[${ORDERS + 1}]`, change: 'added' }])
    })

    it('loads of the ranges only the rows that differ, where the database can tell them', async () => {
      await run(`DELETE FROM orders WHERE id IN (5, 7, 9000)`)
      await run(`UPDATE orders SET status = 'x' WHERE id IN (6, 12000, 12001)`)
      // As many rows as before, though one is lost.
      await run(`DELETE FROM orders WHERE id = 400`)
      await run(`INSERT INTO orders (id, status) VALUES (-1, 'extra')`)
      const { totals } = await restore()
      expect(totals).toMatchObject({ create: 4, update: 3, identical: ORDERS + CUSTOMERS - 7 })
      const rows = staged.reduce((sum, count) => sum + count, 0)
      if (dialect === 'postgres') expect(rows).toBe(7)
      else expect(rows).toBeGreaterThan(7)
      expect(await differences()).toMatchObject([{ key: '[-1]', change: 'added' }])
    })

    it('loads the rows that differ from a snapshot whose ranges have layers', async () => {
      await run(`UPDATE orders SET status = 'layered' WHERE id IN (700, 701)`)
      await run(`DELETE FROM orders WHERE id IN (1, 15, 702, 20000)`)
      await settled()
      const layered = (await holdfast.backups.run('shop', { kind: 'incremental' })).snapshotId
      await run(`UPDATE orders SET status = 'x' WHERE id IN (16, 701, 703)`)
      await run(`DELETE FROM orders WHERE id IN (2, 700, 19999)`)
      const { totals } = await restore({ snapshot: layered })
      expect(totals).toMatchObject({ create: 3, update: 3, records: ORDERS + CUSTOMERS - 4 })
      if (dialect === 'postgres') expect(staged.reduce((sum, count) => sum + count, 0)).toBe(6)
      expect(await collect(await holdfast.comparisons.compare({ before: layered }))).toEqual([])
    })

    it('applies the policy to what differs: conflicts are found', async () => {
      await run(`UPDATE orders SET status = 'x' WHERE id = 1500`)
      const error = await failure(restore({ policy: 'fail' }), 'E_RESTORE_CONFLICT')
      expect(error.details).toMatchObject({ conflicts: [{ entity: 'Order', rows: 1, keys: ['[1500]'] }] })
      expect((await restore({ policy: 'skip' })).totals).toMatchObject({ keep: 1, identical: ORDERS + CUSTOMERS - 1 })
    })

    it('finds parents among rows that were not loaded', async () => {
      await run(`DELETE FROM orders WHERE id = 19999`)
      const { totals, problems } = await restore()
      expect(totals).toMatchObject({ create: 1 })
      expect(problems).toBe(0)
    })

    it.each(['reconcile', 'merge'] as const)('restores rows too that change after the look, before the %s', async (moment) => {
      await run(`DELETE FROM orders WHERE id = 5`)
      let changed = false
      before = async (call) => {
        if (call !== moment || changed) return
        changed = true
        await run(`UPDATE orders SET status = 'written in between' WHERE id IN (9000, 9001)`)
        await run(`DELETE FROM orders WHERE id = 15000`)
      }
      const { totals } = await restore()
      expect(changed).toBe(true)
      expect(totals).toMatchObject({ create: 2, update: 2, identical: ORDERS + CUSTOMERS - 4 })
      expect(await differences()).toEqual([])
      expect(totals.skippedRanges).toBeGreaterThan(totals.ranges / 2)
    })

    it('comes to an end although a writer never rests', async () => {
      let merges = 0
      before = async (call) => {
        if (call !== 'merge') return
        merges++
        await run(`UPDATE orders SET status = 'again ${merges}' WHERE id = ${1000 + merges * 4000}`)
      }
      const { totals } = await restore()
      expect(merges).toBeGreaterThan(1)
      expect(merges).toBeLessThan(6)
      expect(totals.update).toBe(merges)
      before = async () => {}
      expect(await differences()).toEqual([])
    })

    it('names records by their number in the entity, loaded or not', async () => {
      await run(`UPDATE customer SET code = NULL WHERE id = 1500`)
      await run(`INSERT INTO customer (id, name, code) VALUES (${CUSTOMERS + 1}, 'a thief', 'c1500')`)
      try {
        const error = await failure(restore({ entities: ['Customer'] }), 'E_RESTORE_REJECTED')
        const diagnostics = await holdfast.restores.diagnostics(error.details.restoreId as string)
        expect(diagnostics?.entries).toMatchObject([{ entity: 'Customer', key: '[1500]', line: 1500, cause: 'unique-clash' }])
      } finally {
        await run(`DELETE FROM customer WHERE id > ${CUSTOMERS}`)
      }
    })

    // The last one: afterwards nearly all rows are younger than the snapshot.
    it('loads ranges whole of which most rows differ', async () => {
      await run(`UPDATE orders SET status = 'x' WHERE id > 1000 AND id % 10 <> 0`)
      const { totals } = await restore()
      expect(totals).toMatchObject({ update: 17_100, create: 0, identical: ORDERS + CUSTOMERS - 17_100 })
      expect(await differences()).toEqual([])
    })
  },
)

/** The store, saying when its restore targets are about to do something. */
function withMoments(store: EntityStore, before: (call: 'look' | 'reconcile' | 'merge') => Promise<void>, staging: (rows: number) => void): EntityStore {
  return {
    ...store,
    async openTarget(options) {
      const target = await store.openTarget(options)
      const { look } = target
      const moments: RestoreTarget = {
        store: target.store,
        entities: target.entities,
        isEmpty: (entity, call) => target.isEmpty(entity, call),
        assertFits: (items) => target.assertFits(items),
        stage(item, call) {
          staging(item.lines.rows)
          return target.stage(item, call)
        },
        async reconcile(items, call) {
          await before('reconcile')
          return target.reconcile(items, call)
        },
        async merge(items, call) {
          await before('merge')
          return target.merge(items, call)
        },
        ...(look
          ? {
              async look(selection, work, call) {
                await before('look')
                return look.call(target, selection, work, call) as ReturnType<typeof work>
              },
            }
          : {}),
        close: () => target.close(),
      }
      return moments
    },
  }
}
