import 'reflect-metadata'
import libsql from 'libsql'
import { DataSource, EntitySchema } from 'typeorm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { createHoldfast, definePlan, type EntityStore } from '../../src/index.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import { mysqlUrl } from '../support/mysql.ts'

interface Order {
  id: number
  status: string
}
const HOUR_MS = 3_600_000
const DIALECTS = (['postgres', 'mysql', 'sqlite'] as const).filter((dialect) => dialect !== 'mysql' || mysqlUrl() !== null)

/** What an ORM remembers of rows would be given out after a restore as if it were live. */
describe.each(DIALECTS)('caches on %s', (dialect) => {
  let database: LiveDatabase
  beforeEach(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(
      'CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, status VARCHAR(20) NOT NULL)',
      `INSERT INTO orders (id, status) VALUES (1, 'paid')`,
    )
  })
  afterEach(() => database.drop())

  /** A backup; the row is ruined; somebody reads it, and so fills the caches; the backup is restored. */
  async function restoreWhile(store: EntityStore, fill: () => Promise<unknown>, look: () => Promise<unknown>): Promise<void> {
    const plan = definePlan({ id: 'shop', description: 'All', entities: ['Order'] })
    const holdfast = await createHoldfast({ stores: [store], storage: memoryStorage(), plans: [plan] })
    const { snapshotId: snapshot } = await holdfast.backups.run('shop')
    await database.carelessly(`UPDATE orders SET status = 'lost'`)
    await fill()
    const { restoreId, warnings } = await holdfast.restores.restore({ snapshot, policy: 'overwrite', undo: true })
    expect(warnings).toEqual([])
    expect(await look()).toBe('paid')
    await holdfast.restores.undo(restoreId)
    expect(await look()).toBe('lost')
    await holdfast.close()
  }

  it("TypeORM's result cache is emptied by a restore, and by its undo", async () => {
    const Order = new EntitySchema<Order>({
      name: 'Order',
      tableName: 'orders',
      columns: { id: { type: 'integer', primary: true }, status: { type: 'varchar' } },
    })
    const options = { entities: [Order], cache: { type: 'database' as const, duration: HOUR_MS } }
    const dataSource = new DataSource(
      dialect === 'sqlite'
        ? { type: 'better-sqlite3', driver: libsql, database: database.location, ...options }
        : { type: dialect === 'postgres' ? 'postgres' : 'mariadb', url: database.location, ...options },
    )
    await dataSource.initialize()
    const runner = dataSource.createQueryRunner()
    await dataSource.queryResultCache!.synchronize(runner)
    await runner.release()
    const look = async () => (await dataSource.getRepository(Order).findOne({ where: { id: 1 }, cache: HOUR_MS }))?.status
    await restoreWhile(
      typeormStore(dataSource),
      async () => {
        expect(await look()).toBe('lost')
        // It is a cache indeed: what happens behind its back it does not see.
        await database.carelessly(`UPDATE orders SET status = 'late'`)
        expect(await look()).toBe('lost')
        await database.carelessly(`UPDATE orders SET status = 'lost'`)
      },
      look,
    )
    await dataSource.destroy()
  })

  it.each([mikroOrm7, mikroOrm6])("$name's result cache and the identity map of the calling context are emptied", async ({ core, open }) => {
    const { EntitySchema: MikroSchema, RequestContext } = core
    const Order = new MikroSchema<Order>({
      name: 'Order',
      tableName: 'orders',
      properties: { id: { type: 'integer', primary: true }, status: { type: 'string' } },
    })
    const orm = await open(dialect, database.location, { entities: [Order] })
    const managed = async () => (await orm.em.findOne(Order, 1))?.status
    const cached = async () => (await orm.em.fork().findOne(Order, { id: 1 }, { cache: HOUR_MS }))?.status
    for (const look of [managed, cached]) {
      await database.carelessly(`UPDATE orders SET status = 'paid'`)
      await RequestContext.create(orm.em, () =>
        restoreWhile(
          mikroOrmStore(orm),
          async () => {
            expect(await look()).toBe('lost')
            await database.carelessly(`UPDATE orders SET status = 'late'`)
            expect(await look()).toBe('lost')
            await database.carelessly(`UPDATE orders SET status = 'lost'`)
          },
          look,
        ),
      )
    }
    await orm.close()
  })
})
