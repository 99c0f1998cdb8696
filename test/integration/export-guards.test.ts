import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isYounger } from '../../adapters/sql/postgres/row-age.ts'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import { backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { inView, mappingOf, readLines, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'
import { orderRow, shopStore } from '../support/shop-store.ts'

/** What no random history brings about, each held by a test of its own. */
describe('a range that is held against its stored lines', () => {
  it('is not taken for what fits into memory of it', async () => {
    const store = shopStore(0)
    const rig = (chunkBytes: number) => backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes, concurrency: 1 } }), storage })
    const { storage } = backupRig({ stores: [store] })
    store.put('Order', ...Array.from({ length: 58 }, (_, id) => orderRow(id, 'of equal length')))
    const large = rig(4000)
    const full = await (await large.start(undefined, { kind: 'full' })).result()
    const [range] = (await large.manifest(full.snapshotId)).entities[0]!.ranges
    // More than the two small chunks that are held, by less than a fifth: what is left over would pay as a delta that deletes it.
    const bytes = range!.layers[0]!.plainBytes
    const small = Math.ceil(bytes / 2.3)
    store.put('Order', orderRow(1, 'another of like'))
    const { snapshotId } = await (await rig(small).start(undefined, { kind: 'incremental' })).result()
    expect(await large.lines(await large.manifest(snapshotId), 'Order')).toBe(store.lines('Order'))
  })
})

describe('PostgreSQL', () => {
  let database: TestDatabase
  let lane: ReturnType<typeof testPool>

  beforeAll(async () => {
    database = await createTestDatabase()
    lane = testPool(database.url, 4)
  })
  afterAll(async () => {
    await lane.pool.end()
    await database.drop()
  })

  it('takes all rows for newer ones where the horizon is beyond telling', async () => {
    await database.query('CREATE TABLE old (id int); INSERT INTO old SELECT generate_series(1, 3)')
    await settle(database)
    const [row] = await database.query(
      `SELECT count(*) FILTER (WHERE ${isYounger('-1')})::int AS all, count(*) FILTER (WHERE ${isYounger('0')})::int AS none FROM old t`,
    )
    expect(row).toEqual({ all: 3, none: 0 })
  })

  it.each([
    ['by row versions', 'SELECT 1'],
    ['by lines', 'VACUUM FULL thing'],
  ])('backs up both records of a key that stands in a table and in its child, compared %s', async (_, between) => {
    await database.query(`DROP TABLE IF EXISTS thing CASCADE; CREATE TABLE thing (id int PRIMARY KEY, note text); CREATE TABLE part () INHERITS (thing);
      INSERT INTO thing SELECT i, 'thing ' || i FROM generate_series(1, 40) i; INSERT INTO part VALUES (7, 'part 7'), (7, 'part 7 again')`)
    await settle(database)
    const mapping = mappingOf(table('thing', 'id note'))
    const store = createPostgresStore({ name: 'default', orm: 'test', mapping, connections: lane.connections })
    const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 2000, concurrency: 1 } }) })
    await (await rig.start(undefined, { kind: 'full' })).result()
    await settle(database)
    for (const sql of [between, `UPDATE thing SET note = 'changed' WHERE id = 20`]) await database.query(sql)
    const { snapshotId } = await (await rig.start(undefined, { kind: 'incremental' })).result()
    const manifest = await rig.manifest(snapshotId)
    expect(manifestFaults(manifest)).toEqual([])
    const lines = await inView(lane.connections, mapping, (view) => readLines(view, 'thing'))
    expect(lines).toHaveLength(42)
    expect((await rig.lines(manifest, 'thing')).trimEnd().split('\n').sort()).toEqual(lines.toSorted())
  })
})
