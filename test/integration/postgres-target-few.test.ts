import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { inTarget, itemOf, restoreAll, saveAll } from '../support/postgres-restore.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

const stagingSchema = () => db.query(`SELECT nspname FROM pg_namespace WHERE nspname = 'holdfast_staging'`)
const temporaryTables = () => db.query(`SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'`)

describe('a few rows that were picked', () => {
  const places = mappingOf(table('place', 'id pos'))

  it('are staged in temporary tables of the session, also when they exchange unique values', async () => {
    await db.query('CREATE TABLE place (id int PRIMARY KEY, pos int UNIQUE); INSERT INTO place VALUES (1, 1), (2, 2), (3, 3)')
    const saved = await saveAll(lane.connections, places)
    await db.query('UPDATE place SET pos = -pos; UPDATE place SET pos = 1 + id % 3')
    await inTarget(lane.connections, places, async (target) => {
      const item = { ...itemOf(saved.entities[0]!), partial: true }
      await target.stage(item)
      expect(await stagingSchema()).toEqual([])
      expect(await temporaryTables()).toHaveLength(1)
      expect((await target.reconcile([item])).entities).toMatchObject([{ update: 3, extra: 0 }])
      expect((await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })).entities).toMatchObject([{ updated: 3 }])
    })
    expect(await db.query('TABLE place ORDER BY id')).toEqual([1, 2, 3].map((id) => ({ id, pos: id })))
    expect([await stagingSchema(), await temporaryTables()]).toEqual([[], []])
  })

  it.each([
    ['all rows of an entity', { partial: false }],
    ['rows beside which others are deleted', { partial: true, deleteExtra: true }],
  ])('are not %s', async (_, how) => {
    const saved = await saveAll(lane.connections, places)
    await inTarget(lane.connections, places, async (target) => {
      await target.stage({ ...itemOf(saved.entities[0]!), ...how })
      expect(await stagingSchema()).toHaveLength(1)
      expect(await temporaryTables()).toEqual([])
    })
    expect(await stagingSchema()).toEqual([])
  })
})

describe('live rows between the first and the last record', () => {
  it.each([
    ['smallint', `-32768, -5, 0, 7, 32767`, 5],
    ['integer', `-2147483648, -1, 2147483647`, 3],
    ['bigint', `-9223372036854775808, 10, 9, 9223372036854775807`, 4],
    ['numeric', `-1.50, 10, 9`, 3],
    ['text', `'b', 'a10', 'a9', 'B'`, 4],
  ])('are all there is to be compared: %s', async (type, values, each) => {
    await db.query(`DROP TABLE IF EXISTS thing; CREATE TABLE thing (k ${type}, part int, v int, PRIMARY KEY (k, part))`)
    await db.query(`INSERT INTO thing SELECT k, part, 1 FROM unnest(ARRAY[${values}]::${type}[]) k, generate_series(1, 3) part`)
    const things = mappingOf(table('thing', 'k part v', { key: ['k', 'part'] }))
    const saved = await saveAll(lane.connections, things)
    await db.query('DELETE FROM thing WHERE part = 2; UPDATE thing SET v = 2 WHERE part = 3')
    const { reconciled, merged } = await restoreAll(lane.connections, things, saved)
    expect(reconciled?.entities).toMatchObject([{ create: each, update: each, identical: each, extra: 0 }])
    expect(merged.entities).toMatchObject([{ created: each, updated: each, identical: each }])
    expect(await db.query('SELECT count(*)::int AS rows, sum(v)::int AS sum FROM thing')).toEqual([{ rows: 3 * each, sum: 3 * each }])
  })
})
