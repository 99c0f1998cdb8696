import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAll, inView, mappingOf, readLines, remember, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url, 4)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

/** Tables that get another one below them while a view is open, and the statement that puts it there. */
const JOINED: Record<string, { create: string; join: string }> = {
  'a partitioned table': {
    create: `CREATE TABLE log (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE log_old PARTITION OF log FOR VALUES FROM (0) TO (100);
      CREATE TABLE log_new (id int PRIMARY KEY)`,
    join: 'ALTER TABLE log ATTACH PARTITION log_new FOR VALUES FROM (100) TO (200)',
  },
  'a partitioned table without partitions': {
    create: 'CREATE TABLE log (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE log_new (id int PRIMARY KEY)',
    join: 'ALTER TABLE log ATTACH PARTITION log_new FOR VALUES FROM (100) TO (200)',
  },
  'a table with children': {
    create: 'CREATE TABLE log (id int PRIMARY KEY); CREATE TABLE log_old () INHERITS (log); CREATE TABLE log_new (id int PRIMARY KEY)',
    join: 'ALTER TABLE log_new INHERIT log',
  },
  'a plain table': { create: 'CREATE TABLE log (id int PRIMARY KEY); CREATE TABLE log_new (id int PRIMARY KEY)', join: 'ALTER TABLE log_new INHERIT log' },
}

describe('rows of a table that joins another while a view is open', () => {
  it.for(Object.keys(JOINED))('are not in the view: %s', async (name) => {
    const { create, join } = JOINED[name]!
    await db.query(`DROP TABLE IF EXISTS log, log_old, log_new CASCADE; ${create}`)
    const old = name.includes('without') ? [] : ['{"id":1}', '{"id":2}']
    if (old.length > 0) await db.query(`INSERT INTO ${name.includes('children') ? 'log_old' : 'log'} VALUES (1), (2)`)
    await db.query('INSERT INTO log_new VALUES (101)')
    await settle(db)
    const mapping = mappingOf(table('log', 'id'))
    await inView(lane.connections, mapping, async (view) => {
      expect(await readLines(view, 'log')).toEqual(old)
      const known = await remember(view, 'log')
      await db.query(join)
      expect(await readLines(view, 'log')).toEqual(old)
      expect(await checkAll(view, 'log', [known])).toMatchObject([{ state: 'unchanged' }])
      expect((await view.estimate('log')).rows).toBe(old.length)
      expect((await view.split('log', { parts: 3 })).flatMap(({ from }) => (from === null ? [] : [from]))).not.toContain('[101]')
    })
    await inView(lane.connections, mapping, async (view) => expect(await readLines(view, 'log')).toEqual([...old, '{"id":101}']))
  })
})
