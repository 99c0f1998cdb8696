import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { isProven } from '../../src/archive/index.ts'
import { createHoldfast, definePlan, type Holdfast, type Manifest } from '../../src/index.ts'
import { collect } from '../support/collect.ts'
import { type DeclaredEntity, type DeclaredStore, openDeclared, PLACES } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { settle } from '../support/postgres.ts'
import { storedLines } from '../support/stored-lines.ts'

const SHOP: readonly DeclaredEntity[] = [
  { name: 'Customer', table: 'customer', properties: { email: { type: 'varchar' } } },
  { name: 'Order', table: 'orders', properties: { customer: { of: 'Customer', column: 'customer_id' }, note: {} } },
]
const many = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => `(${row(n + 1)})`).join(', ')
/** Customer n has the orders 10 n − 9 to 10 n. */
const SQL = [
  `CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(200) NOT NULL)`,
  `CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), note VARCHAR(400) NOT NULL)`,
  `INSERT INTO customer (id, email) VALUES ${many(300, (n) => `${n}, 'person-${n}-@mail.test'`)}`,
  `INSERT INTO orders (id, customer_id, note) VALUES ${many(3000, (n) => `${n}, ${Math.ceil(n / 10)}, '${`order of ${Math.ceil(n / 10)}. `.repeat(12)}'`)}`,
]
const PERSON = /person-2-@|changed-2-@|"customer\.id":2,/
const personal = (lines: readonly string[]) => lines.filter((line) => PERSON.test(line)).map((line) => line.slice(0, 60))

describe.each(PLACES)('snapshots rewritten without an erased customer, %s on %s', (orm, dialect) => {
  const storage = memoryStorage()
  let database: LiveDatabase
  let shop: DeclaredStore
  let holdfast: Holdfast
  const ids: string[] = []
  const images: unknown[] = []

  async function backUp(kind: 'full' | 'incremental' | 'differential', tag: string): Promise<Manifest> {
    if (dialect === 'postgres') {
      const client = new pg.Client({ connectionString: database.location })
      await client.connect()
      await settle({ query: async (sql: string) => (await client.query(sql)).rows }).finally(() => client.end())
    }
    const { snapshotId } = await holdfast.backups.run('shop', { kind, metadata: { tag } })
    return holdfast.discovery.snapshot(snapshotId)
  }
  const visible = async () => (await holdfast.discovery.snapshots()).map(({ id }) => id).toReversed()
  const ordersOf = (manifest: Manifest) => manifest.entities.find(({ descriptor }) => descriptor.name === 'Order')!
  async function recordsOf(id: string): Promise<unknown> {
    const reader = await holdfast.discovery.open(id)
    return { customers: await collect(reader.stream('Customer')), orders: await collect(reader.stream('Order')) }
  }

  beforeAll(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(...SQL)
    shop = await openDeclared(orm, dialect, database.location, SHOP)
    const plan = definePlan({ id: 'shop', description: 'All', entities: [...shop.names], policy: { chunkBytes: 64 * 1024 } })
    holdfast = await createHoldfast({ stores: [shop.store], storage, plans: [plan] })
    ids.push((await backUp('full', 'first')).snapshotId)
    // A line that a layer replaces, and one that stops belonging to the customer.
    await database.carelessly(`UPDATE customer SET email = 'changed-2-@mail.test' WHERE id = 2`, `UPDATE orders SET customer_id = 3 WHERE id = 12`)
    ids.push((await backUp('incremental', 'second')).snapshotId)
    await database.carelessly(
      `DELETE FROM orders WHERE customer_id = 2`,
      `DELETE FROM customer WHERE id = 2`,
      `UPDATE orders SET note = 'mine now' WHERE id = 12`,
    )
    const third = await backUp('incremental', 'third')
    ids.push(third.snapshotId)
    expect(ordersOf(third).ranges[0]!.layers.length).toBeGreaterThan(1)
  })
  afterAll(async () => {
    await holdfast.close()
    await shop.close()
    await database.drop()
  })

  it('are named by a dry run, which writes nothing', async () => {
    const before = (await collect(storage.list(''))).map(({ key }) => key)
    const { id, rewrite, buckets } = await holdfast.erasures.erase('Customer', 2, { rewrite: true, dryRun: true })
    expect({ id, buckets }).toEqual({ id: null, buckets: ['default'] })
    expect(rewrite).toMatchObject({ dryRun: true, looked: 3, retained: [], condemned: null })
    const counts = rewrite!.snapshots.map(({ id: old, replacement, records }) => [
      old,
      replacement,
      Object.fromEntries(records.map((one) => [one.entity, one.records])),
    ])
    expect(counts).toEqual([
      [ids[0], null, { Customer: 1, Order: 10 }],
      [ids[1], null, { Customer: 1, Order: 9 }],
      // Nobody reads it there, but its lines are in the chunk below the layer that deleted them.
      [ids[2], null, {}],
    ])
    expect((await collect(storage.list(''))).map(({ key }) => key)).toEqual(before)
    expect(await holdfast.erasures.list()).toEqual([])
  })

  it('are not, while one of them is held, unless that is said', async () => {
    const hold = await holdfast.discovery.hold(ids[1]!, { reason: 'a dispute' })
    const error = await failure(holdfast.erasures.erase('Customer', 2, { rewrite: true }), 'E_SNAPSHOT_HELD')
    expect(`${error.message} ${error.hint}`).toMatch(new RegExp(`nothing was changed.*${ids[1]}.*--keep-held`))
    expect(await holdfast.erasures.list()).toEqual([])
    await holdfast.discovery.release(hold.holdId)
    await failure(holdfast.erasures.erase('Customer', 2, { dryRun: true }), 'E_CONFIG')
  })

  it('hold all else, whole, in the place of the old ones', async () => {
    await holdfast.erasures.erase('Customer', 2)
    for (const id of ids) images.push(await recordsOf(id))
    const { rewrite, remains } = await holdfast.erasures.erase('Customer', 2, { rewrite: true, reason: 'GDPR-88' })
    expect(rewrite!.snapshots.map(({ id }) => id)).toEqual(ids)
    expect(rewrite!.condemned).toBeGreaterThan(2)
    expect(remains.join(' ')).toMatch(/live database.*3 snapshots that were rewritten.*holdfast prune.*Bundles/)
    const now = rewrite!.snapshots.map(({ replacement }) => replacement!)
    expect(await visible()).toEqual(now)
    for (const [n, id] of now.entries()) {
      const manifest = await holdfast.discovery.snapshot(id)
      expect(manifest).toMatchObject({ replaces: { snapshotId: ids[n] }, series: 'shop', metadata: { tag: ['first', 'second', 'third'][n] } })
      expect((await holdfast.discovery.verify(id)).damages).toEqual([])
      expect(await recordsOf(id)).toEqual(images[n])
      const { ranges, change } = ordersOf(manifest)
      expect(ranges.map((range) => isProven({ evidence: change.evidence[range.evidence]! }))).toEqual([
        false,
        ...Array.from({ length: ranges.length - 1 }, () => true),
      ])
      expect(manifest.lineage?.full).toBe(now[0])
      expect(manifest.parent).toBe(n === 0 ? null : now[n - 1])
      const gone = await failure(holdfast.discovery.snapshot(ids[n]!), 'E_SNAPSHOT_UNKNOWN')
      expect(`${gone.message} ${gone.hint}`).toMatch(new RegExp(`rewritten without erased records, as ${id}.*Use ${id}`))
    }
    const again = await holdfast.erasures.erase('Customer', 2, { rewrite: true })
    expect(again.rewrite).toMatchObject({ looked: 3, snapshots: [], retained: [], condemned: 0 })
  })

  it('are built on: only what was rewritten is read again', async () => {
    const now = await visible()
    const comparison = await holdfast.comparisons.compare({ before: now[2]! })
    expect(await collect(comparison)).toEqual([])
    const fourth = await backUp('incremental', 'fourth')
    expect(fourth).toMatchObject({ kind: 'incremental', parent: now[2] })
    expect(ordersOf(fourth).change).toMatchObject({ read: 1, reused: ordersOf(fourth).ranges.length - 1 })
    const { change, ranges } = ordersOf(fourth)
    expect(ranges.every((range) => isProven({ evidence: change.evidence[range.evidence]! }))).toBe(true)
    const differential = await backUp('differential', 'fifth')
    expect(differential).toMatchObject({ kind: 'differential', parent: now[0] })
    for (const id of [fourth.snapshotId, differential.snapshotId]) expect(await recordsOf(id)).toEqual(images[2])
    expect((await holdfast.erasures.erase('Customer', 2, { rewrite: true })).rewrite!.snapshots).toEqual([])
  })

  it('leave nothing of the customer behind in any chunk when they are pruned', async () => {
    expect(personal(await storedLines(storage))).not.toEqual([])
    const report = await holdfast.discovery.prune({ graceMs: 0 })
    expect(report.buckets[0]!.deleted).toMatchObject({ snapshots: 3 })
    const left = await storedLines(storage)
    expect(personal(left)).toEqual([])
    expect(left.some((line) => line.includes('person-3-@'))).toBe(true)
    const [first, , third] = await visible()
    expect((await holdfast.discovery.verify(first!)).damages).toEqual([])
    await database.carelessly('DELETE FROM orders', 'DELETE FROM customer')
    await holdfast.restores.restore({ snapshot: third! })
    expect(await database.count({ table: 'customer' })).toBe(299)
    expect(await database.count({ table: 'orders' })).toBe(2991)
    await failure(holdfast.discovery.snapshot(ids[0]!), 'E_SNAPSHOT_UNKNOWN')
  })
})
