import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'

const SHOP: readonly DeclaredEntity[] = [
  { name: 'Customer', table: 'customer', properties: { email: { type: 'varchar' } } },
  { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, cents: { type: 'integer' } } },
  {
    name: 'OrderLine',
    table: 'order_line',
    properties: { order: { of: 'Order', column: 'order_id' }, before: { of: 'OrderLine', column: 'before_id', nullable: true }, text: {} },
  },
]
const many = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => `(${row(n + 1)})`).join(', ')
const SQL = [
  `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL)`,
  `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), cents INTEGER NOT NULL)`,
  `CREATE TABLE order_line (id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), before_id INTEGER REFERENCES order_line (id), text VARCHAR(100) NOT NULL)`,
  `INSERT INTO customer (id, email) VALUES ${many(10, (n) => `${n}, 'person${n}@mail.test'`)}`,
  `INSERT INTO orders (id, customer_id, cents) VALUES ${many(40, (n) => `${n}, ${1 + (n % 10)}, ${n}`)}`,
  `INSERT INTO order_line (id, order_id, before_id, text) VALUES ${many(80, (n) => `${n}, ${1 + (n % 40)}, NULL, 'line ${n}'`)}`,
  // A line of somebody else that refers to one of customer 2's goes with it.
  `UPDATE order_line SET before_id = 10 WHERE id = 7`,
]
const FORGET = (n: number) => [
  `DELETE FROM order_line WHERE order_id IN (SELECT id FROM orders WHERE customer_id = ${n}) OR id = 7`,
  `DELETE FROM orders WHERE customer_id = ${n}`,
  `DELETE FROM customer WHERE id = ${n}`,
]

describe.each(PLACES)('an erased customer, %s on %s', (orm, dialect) => {
  let database: LiveDatabase
  let shop: DeclaredStore
  let holdfast: Holdfast
  let snapshot: string
  const owned = { Customer: 1, Order: 4, OrderLine: 9 }

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...SQL)
    shop = await openDeclared(orm, dialect, database.location, SHOP)
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names] })
    holdfast = await createHoldfast({ stores: [shop.store], storage: memoryStorage(), plans: [plan] })
    ;({ snapshotId: snapshot } = await holdfast.backups.run('shop'))
  })
  afterAll(async () => {
    await holdfast.close()
    await shop.close()
    await database.drop()
  })
  const left = (counts: readonly { entity: string; records: number }[]) => Object.fromEntries(counts.map(({ entity, records }) => [entity, records]))

  it('is named to nobody, and the report says what remains', async () => {
    const report = await holdfast.erasures.erase('Customer', 2, { reason: 'GDPR-88', by: 'dpo' })
    expect(report).toMatchObject({ store: 'default', entity: 'Customer', buckets: ['default'], found: { snapshots: [snapshot], unread: [], looked: 1 } })
    expect(report.remains.join(' ')).toMatch(/live database.*chunks.*Journals of undo/)
    const [entry] = await holdfast.erasures.list()
    expect(entry).toMatchObject({ id: report.id, entity: 'Customer', reason: 'GDPR-88', by: 'dpo', subject: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(JSON.stringify(entry)).not.toMatch(/\[2\]|person2/)
    expect((await failure(holdfast.erasures.erase('Customer', { nobody: 2 }), 'E_CONFIG')).message).toContain('given were nobody')
    expect(report.hidden).toMatch(/from every snapshot\.$/)
    const unknown = await failure(holdfast.erasures.erase('Custmer', 2), 'E_ENTITY_UNKNOWN')
    expect(`${unknown.message} ${unknown.hint}`).toMatch(/Did you mean "Customer"\? Known entities: .*Order/)
  })

  it('stays away with all that refers to it, whatever is asked for', async () => {
    await database.carelessly(...FORGET(2))
    const others = await database.image()
    const look = await holdfast.restores.restore({ snapshot, policy: 'overwrite', dryRun: true })
    expect(left(look.erased)).toEqual(owned)
    expect(look.totals).toMatchObject({ create: 0, records: 130 - 14, identical: 130 - 14 })
    expect(look.problems).toBe(0)

    await database.carelessly('DELETE FROM order_line', 'DELETE FROM orders', 'DELETE FROM customer')
    const result = await holdfast.restores.restore({ snapshot })
    expect(left(result.erased)).toEqual(owned)
    expect(result.totals).toMatchObject({ create: 130 - 14 })
    expect(await database.count({ table: 'customer' }, 'id = 2')).toBe(0)
    expect(await database.count({ table: 'orders' }, 'customer_id = 2')).toBe(0)
    expect(await database.count({ table: 'order_line' })).toBe(71)
    // Everybody else is back as they were, to the byte.
    expect(await database.image()).toEqual(others)

    const reader = await holdfast.discovery.open(snapshot)
    expect(await collect(reader.stream('Customer'))).toHaveLength(9)
    expect(await collect(reader.stream('OrderLine', { where: { id: 7 } }))).toEqual([])
    expect(await reader.findOne('Customer', 2)).toBeNull()
    expect(await reader.findOne('Customer', 3)).toMatchObject({ email: 'person3@mail.test' })

    const comparison = await holdfast.comparisons.compare({ before: snapshot })
    expect(await collect(comparison)).toEqual([])
    expect(left(comparison.summary.erased)).toEqual(owned)
    expect(await collect(holdfast.comparisons.history('Customer', 2))).toEqual([])
    expect(await collect(holdfast.comparisons.history('Customer', 3))).toHaveLength(1)
    const { snapshotId: later } = await holdfast.backups.run('shop')
    const between = await holdfast.comparisons.compare({ before: snapshot, after: later })
    expect(await collect(between)).toEqual([])
    expect(left(between.summary.erased)).toEqual(owned)
  })

  it('stays away from rows that are picked, although its own entity is not among them', async () => {
    await database.carelessly('DELETE FROM order_line')
    const picked = await holdfast.restores.restore({ snapshot, select: [{ entity: 'OrderLine', where: { id: { lte: 20 } } }] })
    expect(left(picked.erased)).toEqual({ OrderLine: 3 })
    expect(picked.totals).toMatchObject({ create: 17, records: 17 })
    expect((await holdfast.restores.restore({ snapshot, select: [{ entity: 'Order', keys: [1, 2] }], policy: 'overwrite' })).totals).toMatchObject({
      identical: 1,
      create: 0,
    })
    expect(await database.count({ table: 'orders' }, 'id = 1')).toBe(0)
    await holdfast.restores.restore({ snapshot })
  })

  it('stays away when a restore is undone that had deleted it', async () => {
    await database.carelessly(
      `INSERT INTO customer (id, email) VALUES (99, 'late@mail.test'), (98, 'later@mail.test')`,
      `INSERT INTO orders (id, customer_id, cents) VALUES (990, 99, 1), (980, 98, 1)`,
    )
    const { restoreId, totals } = await holdfast.restores.restore({ snapshot, policy: 'overwrite', deleteExtra: true, undo: true })
    expect(totals).toMatchObject({ delete: 4 })
    await holdfast.erasures.erase('Customer', '99')
    const undone = await holdfast.restores.undo(restoreId)
    expect(left(undone.erased)).toEqual({ Customer: 1, Order: 1 })
    expect(await database.count({ table: 'customer' }, 'id = 99')).toBe(0)
    expect(await database.count({ table: 'orders' }, 'id = 990')).toBe(0)
    expect(await database.count({ table: 'orders' }, 'id = 980')).toBe(1)
  })
})
