import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresConnections } from '../../adapters/sql/postgres/connections.ts'
import { openPostgresTarget } from '../../adapters/sql/postgres/target/open-target.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { inTarget, itemOf, itemOfLines, restoreAll, saveAll } from '../support/postgres-restore.ts'

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

describe('a few rows of which one cannot come back', () => {
  const things = mappingOf(table('few', 'id v'))
  const lines = (...records: readonly (readonly [id: number, v: number])[]) => records.map(([id, v]) => JSON.stringify({ id, v }))
  const staged = async (records: readonly string[], refusable: number) => {
    await db.query('DROP TABLE IF EXISTS few; CREATE TABLE few (id int PRIMARY KEY, v smallint); INSERT INTO few VALUES (1, 0)')
    const [saved] = (await saveAll(lane.connections, things)).entities
    return inTarget(lane.connections, things, async (target) => {
      const item = { ...itemOfLines(saved!.record, records), partial: true }
      const report = await target.stage(item, { refusable })
      if (report.problems.length > refusable) return { report, rows: null }
      await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })
      return { report, rows: await db.query('SELECT id, v FROM few ORDER BY id') }
    })
  }

  it.each([
    {
      what: 'one that the database refuses',
      records: lines([1, 10], [2, 99_999], [3, 30]),
      line: 2,
      left: [
        { id: 1, v: 10 },
        { id: 3, v: 30 },
      ],
    },
    {
      what: 'the second of one key',
      records: lines([1, 10], [2, 20], [2, 21]),
      line: 3,
      left: [
        { id: 1, v: 10 },
        { id: 2, v: 20 },
      ],
    },
  ])('come without $what where that is allowed, and else it is named', async ({ records, line, left }) => {
    const named = { line, key: '[2]', cause: 'validation' }
    expect(await staged(records, 0)).toMatchObject({ report: { problems: [named] }, rows: null })
    const { report, rows } = await staged(records, 1)
    expect(report).toMatchObject({ rows: 2, problems: [named] })
    expect(rows).toEqual(left)
    expect(await temporaryTables()).toEqual([])
  })
})

describe('going to the database and back', () => {
  it('happens seldom for a few rows', async () => {
    let asked = 0
    const counting: PostgresConnections = {
      max: lane.connections.max,
      async acquire(options) {
        const { client, release } = await lane.connections.acquire(options)
        const query = client.query.bind(client) as (...of: unknown[]) => unknown
        const counted = Object.assign(Object.create(client) as typeof client, { query: (...of: unknown[]) => (asked++, query(...of)) })
        return { client: counted, release }
      },
    }
    const places = mappingOf(table('often', 'id v'), table('seldom', 'id v'))
    await db.query(`CREATE TABLE often (id int PRIMARY KEY, v int NOT NULL UNIQUE); CREATE TABLE seldom (id int PRIMARY KEY, v int REFERENCES often);
      INSERT INTO often SELECT i, i FROM generate_series(1, 100) i; INSERT INTO seldom SELECT i, i FROM generate_series(1, 9) i`)
    const saved = await saveAll(lane.connections, places)
    await db.query('DELETE FROM seldom; DELETE FROM often WHERE id = 7')
    const target = await openPostgresTarget({
      store: 'test',
      connections: counting,
      mapping: places,
      selection: [{ entity: 'often' }, { entity: 'seldom' }],
      restoreId: randomUUID(),
    })
    const items = saved.entities.map((entity) => ({ ...itemOf(entity), partial: true }))
    const asks = async (work: () => Promise<unknown>) => {
      const before = asked
      await work()
      return asked - before
    }
    // Who it is; begin, find the tables, look at them twice, ask for rights twice, lock, commit.
    expect(asked).toBeLessThanOrEqual(9)
    try {
      // Begin and create, copy twice, look for what stands twice, commit.
      expect(await asks(() => target.stageTogether!(items))).toBeLessThanOrEqual(5)
      const merging = () =>
        target.merge(
          items.map((item) => ({ ...item, mode: 'staged' })),
          { sequences: [], compared: () => {}, samples: 5 },
        )
      // Begin, lock and look again, decide, look for problems, take samples, silence, write twice, check, check again, drop, commit.
      expect(await asks(merging)).toBeLessThanOrEqual(12)
      expect(await db.query('SELECT (SELECT count(*) FROM often)::int AS often, (SELECT count(*) FROM seldom)::int AS seldom')).toEqual([
        { often: 100, seldom: 9 },
      ])
    } finally {
      expect(await asks(() => target.close())).toBeLessThanOrEqual(3)
    }
  })
})

describe('a few rows of several entities', () => {
  const both = mappingOf(table('left', 'id v'), table('right', 'id v'))
  const record = (id: number, v: number) => JSON.stringify({ id, v })
  const items = async (left: readonly string[], right: readonly string[]) => {
    await db.query(
      'DROP TABLE IF EXISTS "left", "right"; CREATE TABLE "left" (id int PRIMARY KEY, v smallint); CREATE TABLE "right" (id int PRIMARY KEY, v smallint)',
    )
    const { entities } = await saveAll(lane.connections, both)
    return [left, right].map((lines, at) => ({ ...itemOfLines(entities[at]!.record, lines), partial: true }))
  }

  it('are staged at once, and no more is seen of them when it is over', async () => {
    const few = await items([record(1, 10)], [record(2, 20), record(3, 30)])
    await inTarget(lane.connections, both, async (target) => {
      expect(await target.stageTogether!(few)).toEqual([
        { entity: 'left', rows: 1, problems: [] },
        { entity: 'right', rows: 2, problems: [] },
      ])
      expect(await stagingSchema()).toEqual([])
      expect((await target.reconcile(few)).entities).toMatchObject([{ create: 1 }, { create: 2 }])
      await target.merge(
        few.map((item) => ({ ...item, mode: 'staged' })),
        { sequences: [] },
      )
    })
    expect(await db.query('TABLE "left" UNION ALL TABLE "right" ORDER BY id')).toEqual([1, 2, 3].map((id) => ({ id, v: id * 10 })))
    expect(await temporaryTables()).toEqual([])
  })

  it.each([
    ['the database refuses one of them', [record(2, 99_999)]],
    ['one stands there twice', [record(2, 20), record(2, 21)]],
  ])('are not staged when %s: the entities are staged one after the other then', async (_, bad) => {
    const few = await items([record(1, 10)], bad)
    await inTarget(lane.connections, both, async (target) => {
      expect(await target.stageTogether!(few)).toBeNull()
      expect(await temporaryTables()).toEqual([])
      expect(await target.stage(few[0]!)).toMatchObject({ rows: 1, problems: [] })
      expect(await target.stage(few[1]!)).toMatchObject({ problems: [{ entity: 'right', cause: 'validation' }] })
    })
    expect(await temporaryTables()).toEqual([])
  })

  it('are not staged at once beside all rows of another', async () => {
    const [left, right] = await items([record(1, 10)], [record(2, 20)])
    await inTarget(lane.connections, both, async (target) => {
      expect(await target.stageTogether!([left!, { ...right!, partial: false }])).toBeNull()
    })
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
