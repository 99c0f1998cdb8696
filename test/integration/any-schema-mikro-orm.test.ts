import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MikroOrmInstance, mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast, pick } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import type { MikroOrmModules } from '../support/mikro-orm/mikro-orm-modules.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

function entitiesOf({ core }: MikroOrmModules) {
  const { defineEntity, p } = core
  const id = () => p.integer().primary().autoincrement(false)
  const Country = defineEntity({ name: 'Country', tableName: 'country', properties: { id: id(), name: p.string().length(50) } })
  const Tag = defineEntity({ name: 'Tag', tableName: 'tag', schema: '*', properties: { id: id() } })
  const Order = defineEntity({
    name: 'Order',
    tableName: 'orders',
    schema: '*',
    properties: { id: id(), note: p.string().length(50), country: () => p.manyToOne(Country), tags: () => p.manyToMany(Tag).pivotTable('*.order_tag') },
  })
  return { Country, Tag, Order }
}

const PLACES = (['postgres', 'mysql'] as const)
  .filter((dialect) => dialect !== 'mysql' || mysqlUrl() !== null)
  .flatMap((dialect) => [mikroOrm7, mikroOrm6].map((mikroOrm) => ({ dialect, mikroOrm, name: mikroOrm.name })))

// Each tenant has a schema of its own, which MikroORM is told anew for every request.
describe.each(PLACES)('entities of any schema (`*`), $name on $dialect', ({ dialect, mikroOrm }) => {
  const { Country, Tag, Order } = entitiesOf(mikroOrm)
  const databases: TestDatabase[] = []
  const tenants: string[] = []
  let orm: MikroOrmInstance & { close(): Promise<void> }
  let holdfast: Holdfast

  const query = <T>(sql: string) => databases[0]!.query<T>(sql)
  const image = async (schema: string) => [
    await query(`SELECT * FROM ${schema}.orders ORDER BY id`),
    await query(`SELECT * FROM ${schema}.order_tag ORDER BY 1, 2`),
  ]

  beforeAll(async () => {
    for (let at = 0; at < (dialect === 'mysql' ? 3 : 1); at++) databases.push(await (dialect === 'mysql' ? createMysqlDatabase() : createTestDatabase()))
    tenants.push(...(dialect === 'mysql' ? databases.slice(1).map(({ name }) => name) : ['acme', 'umbrella']))
    orm = await mikroOrm.open(dialect, databases[0]!.url, { entities: [Country, Tag, Order] })
    await query(`CREATE TABLE country (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)`)
    await query(`INSERT INTO country (id, name) VALUES (1, 'CH')`)
    for (const schema of tenants) {
      if (dialect === 'postgres') await query(`CREATE SCHEMA ${schema}`)
      const home = dialect === 'mysql' ? `${databases[0]!.name}.country` : 'public.country'
      await query(`CREATE TABLE ${schema}.tag (id INTEGER PRIMARY KEY)`)
      await query(
        `CREATE TABLE ${schema}.orders (id INTEGER PRIMARY KEY, note VARCHAR(50) NOT NULL, country_id INTEGER NOT NULL, FOREIGN KEY (country_id) REFERENCES ${home} (id))`,
      )
      await query(
        `CREATE TABLE ${schema}.order_tag (order_id INTEGER NOT NULL, tag_id INTEGER NOT NULL, PRIMARY KEY (order_id, tag_id), FOREIGN KEY (order_id) REFERENCES ${schema}.orders (id), FOREIGN KEY (tag_id) REFERENCES ${schema}.tag (id))`,
      )
      await query(`INSERT INTO ${schema}.tag (id) VALUES (1), (2)`)
      await query(`INSERT INTO ${schema}.orders (id, note, country_id) VALUES (1, 'first of ${tenants.indexOf(schema)}', 1), (2, 'second', 1)`)
      await query(`INSERT INTO ${schema}.order_tag (order_id, tag_id) VALUES (1, 1), (1, 2), (2, 1)`)
    }
    const plan = definePlan({
      id: 'tenant',
      description: 'One tenant',
      entities: [Tag, Order],
      scope: { by: 'store', stores: (scope) => [mikroOrmStore(orm, { name: 'shop', schema: scope })] },
    })
    const shared = definePlan({ id: 'first', description: 'The schema that the store itself stands for', entities: [Country, Tag, Order] })
    holdfast = await createHoldfast({ stores: [mikroOrmStore(orm, { name: 'shop', schema: tenants[0]! })], storage: memoryStorage(), plans: [plan, shared] })
  })
  afterAll(async () => {
    await holdfast?.close()
    await orm?.close()
    for (const database of databases.toReversed()) await database.drop()
  })

  it('come back into the schema of their tenant, and no other is touched', async () => {
    const [acme, umbrella] = tenants as [string, string]
    const [mine, theirs] = [await image(acme), await image(umbrella)]
    const { snapshotId: snapshot } = await holdfast.backups.run('tenant', { scope: acme })
    const { snapshotId: other } = await holdfast.backups.run('tenant', { scope: umbrella })
    for (const schema of tenants) await query(`DELETE FROM ${schema}.order_tag`)
    for (const schema of tenants) await query(`DELETE FROM ${schema}.orders WHERE id = 1`)
    const comparison = await holdfast.comparisons.compare({ before: snapshot, scope: acme })
    expect((await collect(comparison)).map(({ entity, change }) => `${entity} ${change}`).toSorted()).toEqual([
      'Order removed',
      'order_tag removed',
      'order_tag removed',
      'order_tag removed',
    ])
    const picked = await holdfast.restores.restore({ snapshot, scope: acme, select: [pick('Order', { where: { note: 'first of 0' } })], related: {} })
    expect(picked.totals).toMatchObject({ create: 3 })
    expect((await holdfast.restores.restore({ snapshot, scope: acme })).totals).toMatchObject({ create: 1 })
    expect(await image(acme)).toEqual(mine)
    expect(await query(`SELECT id FROM ${umbrella}.orders`)).toEqual([{ id: 2 }])
    expect((await holdfast.restores.restore({ snapshot: other, scope: umbrella })).totals).toMatchObject({ create: 4 })
    expect(await image(umbrella)).toEqual(theirs)
  })

  it('stand beside those of a schema of their own, in the one that the store was given', async () => {
    const { snapshotId: snapshot } = await holdfast.backups.run('first')
    const before = await image(tenants[0]!)
    await query(`DELETE FROM ${tenants[0]}.order_tag WHERE order_id = 2`)
    expect((await holdfast.restores.restore({ snapshot })).totals).toMatchObject({ create: 1, identical: 7 })
    expect(await image(tenants[0]!)).toEqual(before)
  })
})
