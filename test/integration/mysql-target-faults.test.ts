import type { PoolConnection } from 'mysql2'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RestoreItem } from '../../src/contracts/index.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll, type SavedStore } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'

const ROWS = 20_000
const mapping = mappingOf(table('customer', 'id name'), table('purchase', 'id customer_id note'))

describe.skipIf(mysqlUrl() === null)('MariaDB', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  let saved: SavedStore
  let before: unknown

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url)
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  beforeEach(async () => {
    await db.query(`
      DROP TABLE IF EXISTS purchase, customer;
      CREATE TABLE customer (id int PRIMARY KEY, name varchar(20));
      CREATE TABLE purchase (id int AUTO_INCREMENT PRIMARY KEY, customer_id int NOT NULL, note text, FOREIGN KEY (customer_id) REFERENCES customer (id));
      INSERT INTO customer SELECT seq, CONCAT('c', seq) FROM seq_1_to_100;
      INSERT INTO purchase SELECT seq, seq % 100 + 1, CONCAT(REPEAT('n', 100), seq) FROM seq_1_to_${ROWS}`)
    saved = await saveAll(lane.connections, mapping)
    await db.query(`UPDATE purchase SET note = 'bad'; DELETE FROM purchase WHERE id > ${ROWS / 2}`)
    before = await image()
  })

  const image = () =>
    db.query(
      `SELECT COUNT(*) AS n, SUM(CRC32(CONCAT_WS(',', id, customer_id, note))) AS sum FROM purchase UNION ALL SELECT COUNT(*), SUM(CRC32(name)) FROM customer`,
    )
  const stagingTables = () => db.query(`SELECT TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'holdfast%'`)
  const mended = () => db.query(`SELECT COUNT(*) AS n FROM purchase WHERE note <> 'bad'`)

  async function eventually(condition: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await condition()); tries++) {
      if (tries > 1000) throw new Error('waited in vain')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  /** Ends the connection that holds the lock of a restore. */
  const killRestore = async () => {
    const [row] = await db.query<{ id: number }>(
      `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID IN (SELECT IS_USED_LOCK(CONCAT('holdfast_', SUBSTR(TABLE_NAME, 10, 24))) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'holdfast%')`,
    )
    await db.query(`KILL ${row!.id}`)
  }
  /** The item, whose lines do not go on once some have come. */
  const slowAfter = (item: RestoreItem, reached: () => void): RestoreItem => ({
    ...item,
    lines: {
      ...item.lines,
      async *open(options) {
        for await (const bytes of item.lines.open(options)) {
          yield bytes
          reached()
          await new Promise((resolve) => setTimeout(resolve, 300))
        }
      },
    },
  })
  /** A transaction of somebody else, which holds a row. */
  async function holding<T>(sql: string, work: () => Promise<T>): Promise<T> {
    const connection = await new Promise<PoolConnection>((resolve, reject) =>
      lane.pool.getConnection((error, found) => (error ? reject(error) : resolve(found))),
    )
    const run = (statement: string) => new Promise((resolve, reject) => connection.query(statement, (error, rows) => (error ? reject(error) : resolve(rows))))
    await run('START TRANSACTION')
    await run(sql)
    try {
      return await work()
    } finally {
      await run('ROLLBACK')
      connection.release()
    }
  }
  /** A merge has been at locking rows for longer than that takes. (`INNODB_TRX` does not change while one asks for it all the time.) */
  const waiting = async () =>
    (await db.query(`SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE '%FOR UPDATE' AND TIME_MS > 1000`)).length > 0

  describe('a connection that is killed', () => {
    it('while it stages leaves the live tables alone, and the next restore sweeps', async () => {
      await inTarget(lane.connections, mapping, async (target) => {
        await target.stage(itemOf(saved.entities[0]!))
        const { promise, resolve } = Promise.withResolvers<void>()
        const staging = failure(target.stage(slowAfter(itemOf(saved.entities[1]!), resolve)), 'E_STORE_FAILED')
        await promise
        await killRestore()
        await staging
        await failure(target.isEmpty('customer'), 'E_STORE_FAILED')
      })
      expect(await image()).toEqual(before)
      expect(await stagingTables()).not.toEqual([])
      await restoreAll(lane.connections, mapping, saved)
      expect(await stagingTables()).toEqual([])
      expect(await mended()).toEqual([{ n: ROWS }])
    })

    it('in the middle of a merge leaves all as it was', async () => {
      await inTarget(lane.connections, mapping, async (target) => {
        const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
        for (const item of items) await target.stage(item)
        await holding(`UPDATE purchase SET note = 'held' WHERE id = ${ROWS / 2}`, async () => {
          const merging = failure(target.merge(items, { sequences: [] }), 'E_STORE_FAILED')
          await eventually(waiting)
          await killRestore()
          await merging
        })
      })
      expect(await image()).toEqual(before)
      await restoreAll(lane.connections, mapping, saved)
      expect(await stagingTables()).toEqual([])
    })
  })

  describe('an abort', () => {
    it.each(['staged', 'direct'] as const)('rolls a %s merge back, and the target can be used again', async (mode) => {
      if (mode === 'direct') {
        await db.query('DELETE FROM purchase; DELETE FROM customer')
        before = await image()
      }
      await inTarget(lane.connections, mapping, async (target) => {
        const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode }))
        if (mode === 'staged') for (const item of items) await target.stage(item)
        const abort = new AbortController()
        const onProgress = (entity: string) => void (entity === 'purchase' && abort.abort())
        await failure(target.merge(items, { sequences: [], signal: abort.signal, onProgress }), 'E_ABORTED')
        expect(await image()).toEqual(before)
        expect(await target.merge(items, { sequences: [] })).toMatchObject({
          entities: [{ entity: 'customer' }, { entity: 'purchase', created: mode === 'direct' ? ROWS : ROWS / 2 }],
        })
      })
    })

    it('ends a wait for locks, and with a pool of one connection at the price of that connection', async () => {
      for (const max of [5, 1]) {
        const pool = mysqlPool(db.url, max)
        const abort = new AbortController()
        const target = await inTarget(pool.connections, mapping, async (opened) => {
          const item = itemOf(saved.entities[0]!)
          await opened.stage(item)
          await holding(`UPDATE customer SET name = 'held' WHERE id = 50`, async () => {
            const merging = failure(opened.merge([{ ...item, mode: 'staged' }], { sequences: [], signal: abort.signal }), 'E_ABORTED')
            await eventually(waiting)
            abort.abort()
            await merging
          })
          if (max > 1) expect(await opened.isEmpty('customer')).toBe(false)
          return opened
        })
        await failure(target.isEmpty('customer'), 'E_STORE_FAILED')
        await endPool(pool.pool)
      }
      await eventually(
        async () =>
          (await db.query(`SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE '%FOR UPDATE%' AND ID <> CONNECTION_ID()`))
            .length === 0,
      )
      await restoreAll(lane.connections, mapping, saved)
      expect(await stagingTables()).toEqual([])
    })
  })

  describe('company', () => {
    it('lets two restores side by side sweep nothing of each other', async () => {
      await inTarget(lane.connections, mapping, async (first) => {
        const items = saved.entities.map((entity) => itemOf(entity))
        for (const item of items) await first.stage(item)
        await restoreAll(lane.connections, mapping, saved)
        expect((await first.reconcile(items)).entities[1]).toMatchObject({ identical: ROWS })
      })
      expect(await stagingTables()).toEqual([])
    })

    it('refuses a second restore of the same id', async () => {
      const id = 'one and the same'
      await inTarget(
        lane.connections,
        mapping,
        () =>
          failure(
            inTarget(lane.connections, mapping, async () => {}, id),
            'E_SESSION_FENCED',
          ),
        id,
      )
    })

    it('holds writers off while it merges, and sees what they committed before', async () => {
      await inTarget(lane.connections, mapping, async (target) => {
        const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
        for (const item of items) await target.stage(item)
        await target.reconcile(items)
        await db.query(`DELETE FROM purchase WHERE id = 1`)
        const writes: Promise<unknown>[] = []
        const beforeCommit = () =>
          void writes.push(
            db.query(`UPDATE purchase SET note = 'mine' WHERE id = 2`),
            db.query(`INSERT INTO purchase VALUES (3, 1, '') ON DUPLICATE KEY UPDATE note = 'mine'`),
          )
        const { entities } = await target.merge(items, { sequences: [], beforeCommit })
        expect(entities[1]).toMatchObject({ entity: 'purchase', created: ROWS / 2 + 1, updated: ROWS / 2 - 1 })
        await Promise.all(writes)
        expect(await db.query(`SELECT id FROM purchase WHERE note = 'mine' ORDER BY id`)).toEqual([{ id: 2 }, { id: 3 }])
      })
    })

    it('does not hold writers off while it compares', async () => {
      await inTarget(lane.connections, mapping, async (target) => {
        const items = saved.entities.map((entity) => itemOf(entity))
        for (const item of items) await target.stage(item)
        await holding(`UPDATE purchase SET note = 'held' WHERE id = 5`, async () => {
          expect((await target.reconcile(items)).entities[1]).toMatchObject({ create: ROWS / 2 })
        })
      })
    })

    it('refuses a table whose definition changed meanwhile', async () => {
      await inTarget(lane.connections, mapping, async (target) => {
        const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
        for (const item of items) await target.stage(item)
        await db.query('ALTER TABLE purchase ADD UNIQUE KEY together (customer_id, id)')
        await target.merge(items, { sequences: [] }) // an index that holds the whole key can refuse nothing
        await db.query('ALTER TABLE customer ADD UNIQUE KEY named (name)')
        await failure(target.merge(items, { sequences: [] }), 'E_RESTORE_MOVED')
      })
    })

    it('gives its connection back as it was, and closes more than once', async () => {
      const one = mysqlPool(db.url, 1)
      const settings = () =>
        new Promise((resolve, reject) =>
          one.pool.query(
            `SELECT @@sql_mode, @@time_zone, @@foreign_key_checks, @@unique_checks, @@max_error_count, @@autocommit, @@collation_connection, @@innodb_lock_wait_timeout, CONNECTION_ID()`,
            (error, rows) => (error ? reject(error) : resolve(rows)),
          ),
        )
      const clean = await settings()
      await inTarget(one.connections, mapping, async (target) => {
        await target.stage(itemOf(saved.entities[0]!))
        await target.close()
        await target.close()
        await failure(target.isEmpty('customer'), 'E_STORE_FAILED')
      })
      expect(await settings()).toEqual(clean)
      expect(await stagingTables()).toEqual([])
      await endPool(one.pool)
    })
  })
})
