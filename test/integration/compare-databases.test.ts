import { join } from 'node:path'
import libsql from 'libsql'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsStorage } from '../../adapters/fs/index.ts'
import { typeormStore } from '../../adapters/typeorm/index.ts'
import { BackupEntity, createHoldfast, definePlan, type Holdfast } from '../../src/index.ts'
import { brief, collect } from '../support/compare-rig.ts'
import { meteredStorage, type MeteredStorage } from '../support/metered-storage.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { createTestDatabase, settle } from '../support/postgres.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Customer {
  id: number
  name: string
  email: string
}
interface Order {
  id: number
  customer: Customer | null
  status: string
  placedAt: Date
}
interface Page {
  slug: string
  body: string
}

const ROWS = 50_000

/** The same tables in both databases; only the type of the timestamp has another name. */
function schemas(timestamp: 'timestamptz' | 'datetime') {
  return {
    customer: new EntitySchema<Customer>({
      name: 'Customer',
      tableName: 'customer',
      columns: { id: { type: 'integer', primary: true, generated: 'increment' }, name: { type: 'text' }, email: { type: 'text' } },
    }),
    order: new EntitySchema<Order>({
      name: 'Order',
      tableName: 'orders',
      columns: { id: { type: 'integer', primary: true, generated: 'increment' }, status: { type: 'text' }, placedAt: { type: timestamp, name: 'placed_at' } },
      relations: { customer: { type: 'many-to-one', target: 'Customer', nullable: true, joinColumn: { name: 'customer_id' } } },
    }),
    page: new EntitySchema<Page>({
      name: 'Page',
      tableName: 'page',
      columns: { slug: { type: 'varchar', length: 200, primary: true }, body: { type: 'text' } },
    }),
  }
}

const DIALECTS = ['postgres', 'sqlite', ...(mysqlUrl() === null ? [] : (['mysql'] as const))] as const

describe.each(DIALECTS)('what changed, on %s', (dialect) => {
  const folder = temporaryFolder()
  const entities = schemas(dialect === 'postgres' ? 'timestamptz' : 'datetime')
  let dataSource: DataSource
  let meter: MeteredStorage
  let holdfast: Holdfast
  let drop = async () => {}
  let settled = async () => {}
  const taken: string[] = []
  const take = async (kind: 'full' | 'incremental') => {
    taken.push((await holdfast.backups.run('shop', { kind })).snapshotId)
    return taken.at(-1)!
  }

  beforeAll(async () => {
    const all = Object.values(entities)
    if (dialect !== 'sqlite') {
      const database = await (dialect === 'postgres' ? createTestDatabase() : createMysqlDatabase())
      drop = () => database.drop()
      if (dialect === 'postgres') settled = () => settle(database)
      dataSource = new DataSource({ type: dialect === 'postgres' ? 'postgres' : 'mariadb', url: database.url, entities: all, synchronize: true })
    } else {
      dataSource = new DataSource({
        type: 'better-sqlite3',
        driver: libsql,
        database: join(folder.path, 'shop.db'),
        entities: all,
        synchronize: true,
        enableWAL: true,
      })
    }
    await dataSource.initialize()
    const numbers = (count: number) =>
      dialect === 'mysql'
        ? `(SELECT seq AS i FROM seq_1_to_${count}) n`
        : `(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${count}) SELECT i FROM s) n`
    const joined = (...parts: readonly string[]) => (dialect === 'mysql' ? `concat(${parts.join(', ')})` : parts.join(' || '))
    const filler = "'0123456789012345678901234567890123456789012345678901234567890123456789'"
    await dataSource.query(
      `INSERT INTO customer (id, name, email) SELECT i, ${joined("'Customer '", 'i')}, ${joined("'c'", 'i', "'@example.test'")} FROM ${numbers(100)}`,
    )
    await dataSource.query(
      `INSERT INTO orders (id, customer_id, status, placed_at) SELECT i, CASE WHEN i % 10 = 0 THEN NULL ELSE 1 + i % 100 END, ${joined(filler, 'i')}, '2026-01-01 10:00:00' FROM ${numbers(ROWS)}`,
    )
    const slug = joined("'Page-'", 'i', "CASE i % 3 WHEN 0 THEN 'É' WHEN 1 THEN '_a' ELSE 'b' END")
    await dataSource.query(`INSERT INTO page (slug, body) SELECT ${slug}, ${filler} FROM ${numbers(3000)}`)
    meter = meteredStorage(fsStorage({ root: join(folder.path, 'backups') }))
    const plan = definePlan({
      id: 'shop',
      description: 'd',
      entities: [BackupEntity.for(entities.customer, { sensitive: ['email'] }), entities.order, entities.page],
      policy: { chunkBytes: 64 * 1024 },
    })
    holdfast = await createHoldfast({ stores: [typeormStore(dataSource, { name: 'main' })], storage: meter.storage, plans: [plan] })
    await settled()
    await take('full')
  })

  afterAll(async () => {
    await holdfast?.close()
    await dataSource?.destroy()
    await drop()
    folder.remove()
  })

  it('finds nothing between a snapshot and the database it was just taken of', async () => {
    meter.reset()
    const comparison = await holdfast.comparisons.compare({ before: taken[0]! })
    expect(await collect(comparison)).toEqual([])
    expect(meter.chunkReads).toBe(0)
    expect(comparison.summary).toMatchObject({ complete: true, after: 'live', schema: [], totals: { rowsRead: 0, chunksRead: 0 } })
  })

  it('reads at most 5 % of two snapshots that differ in 1 % at the tail', async () => {
    await dataSource.query(`UPDATE orders SET status = 'shipped' WHERE id > ${ROWS - 500}`)
    const second = await take('incremental')
    const comparison = await holdfast.comparisons.compare({ before: taken[0]!, after: second })
    meter.reset()
    const found = await collect(comparison)
    expect(found).toHaveLength(500)
    expect(found[0]).toMatchObject({
      store: 'main',
      entity: 'Order',
      key: `[${ROWS - 499}]`,
      change: 'changed',
      fields: [{ field: 'status', after: 'shipped' }],
    })
    const { totals } = comparison.summary
    expect(totals.rowsSkipped + totals.rowsRead).toBe(2 * (ROWS + 3000 + 100))
    expect(totals.chunksRead / (totals.chunksRead + totals.chunksSkipped)).toBeLessThanOrEqual(0.05)
    expect(totals.rowsRead / (totals.rowsRead + totals.rowsSkipped)).toBeLessThanOrEqual(0.05)
    expect(new Set(meter.reads.filter((name) => name.endsWith('.hfc'))).size).toBe(totals.chunksRead)
  })

  it('tells what was added, removed and changed, hides what is sensitive, and agrees with the live database', async () => {
    await dataSource.query("INSERT INTO customer (id, name, email) VALUES (500, 'New', 'new@example.test')")
    await dataSource.query("UPDATE customer SET email = 'other@example.test' WHERE id = 7")
    await dataSource.query('DELETE FROM orders WHERE id = 4711')
    await dataSource.query("UPDATE page SET body = 'new' WHERE slug = 'Page-100_a'")
    await dataSource.query("INSERT INTO page (slug, body) VALUES ('zebra', 'z'), ('Äpfel', 'a')")
    const expected = [
      'Customer [500] added',
      'Customer [7] changed',
      'Order [4711] removed',
      'Page ["Page-100_a"] changed',
      'Page ["zebra"] added',
      'Page ["Äpfel"] added',
    ].sort()
    const live = await collect(await holdfast.comparisons.compare({ before: taken[1]!, after: 'live' }))
    expect(brief(live)).toEqual(expected)
    const third = await take('incremental')
    const stored = await collect(await holdfast.comparisons.compare({ before: taken[1]!, after: third }))
    expect(brief(stored)).toEqual(expected)
    expect(stored.find(({ key }) => key === '[7]')!.fields).toEqual([{ field: 'email', before: '•••', after: '•••' }])
    expect(JSON.stringify([live, stored])).not.toContain('example.test')
    const full = await take('full')
    expect(await collect(await holdfast.comparisons.compare({ before: third, after: full }))).toEqual([])
  })

  it('tells the history of one record', async () => {
    await dataSource.query("UPDATE page SET body = 'newer' WHERE slug = 'Page-100_a'")
    await dataSource.query("DELETE FROM page WHERE slug = 'zebra'")
    const last = await take('incremental')
    const history = async (entity: typeof entities.page | string, key: string | number, order?: 'oldest-first') => {
      const versions = []
      for await (const version of holdfast.comparisons.history(entity, key, order ? { order } : {})) versions.push(version)
      return versions
    }
    expect(await history(entities.page, 'Page-100_a')).toMatchObject([
      { snapshotId: last, previous: taken[3], change: 'changed', fields: [{ field: 'body', before: 'new', after: 'newer' }] },
      { snapshotId: taken[2], previous: taken[1], change: 'changed', fields: [{ field: 'body', after: 'new' }] },
      { snapshotId: taken[0], previous: null, change: 'appeared' },
    ])
    expect((await history('main.Page', 'zebra', 'oldest-first')).map(({ snapshotId, change }) => [snapshotId, change])).toEqual([
      [taken[2], 'appeared'],
      [last, 'disappeared'],
    ])
    meter.reset()
    expect(await history('Order', 4711)).toMatchObject([
      { snapshotId: taken[2], change: 'disappeared' },
      { snapshotId: taken[0], change: 'appeared' },
    ])
    expect(meter.chunkReads).toBeLessThanOrEqual(4)
    expect(await history('Page', 'never')).toEqual([])
    await expect(history('Pages', 'x')).rejects.toMatchObject({ code: 'E_ENTITY_UNKNOWN' })
  })

  it('reads a snapshot as entities', async () => {
    const snapshot = await holdfast.discovery.open(taken[0]!)
    const seven: number[] = []
    for await (const { id, customer } of snapshot.stream<Order>(entities.order, { where: { 'customer.id': 7, id: { lt: 1000 } } })) {
      expect(customer?.id).toBe(7)
      seven.push(Number(id))
    }
    expect(seven).toEqual([6, 106, 206, 306, 406, 506, 606, 706, 806, 906])
    const status = '0123456789012345678901234567890123456789012345678901234567890123456789'
    meter.reset()
    const order = await snapshot.findOne(entities.order, 10)
    expect(meter.chunkReads).toBeLessThanOrEqual(2)
    expect(order).toEqual({ id: 10, customer: null, status: `${status}10`, placedAt: order!.placedAt })
    expect(String(order!.placedAt)).toMatch(/^2026-01-01[T ]\d\d:00:00/)
    expect(await snapshot.findOne('Page', 'Page-2999b')).toMatchObject({ slug: 'Page-2999b' })
    expect(await snapshot.findOne('Page', 'none')).toBeNull()
    await expect(snapshot.findOne(entities.order, 'abc')).rejects.toMatchObject({ code: 'E_CONFIG' })
    let newer = 0
    for await (const _ of snapshot.stream(entities.order, { where: { placedAt: { gte: new Date('2026-01-03T00:00:00Z') } } })) newer++
    expect(newer).toBe(0)
    await expect(holdfast.discovery.open('nothing')).rejects.toMatchObject({ code: 'E_SNAPSHOT_UNKNOWN' })
    class Stranger {
      id!: number
    }
    await expect(snapshot.findOne(Stranger, 1)).rejects.toMatchObject({ code: 'E_ENTITY_UNKNOWN' })
  })
})
