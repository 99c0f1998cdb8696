import { afterAll, beforeAll, expect, it } from 'vitest'
import { inView, mappingOf, readLines, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

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

it('splits a table whose key columns have the names that the split uses itself', async () => {
  await db.query(
    'CREATE TABLE parts (part int, previous int, t int, sample int, PRIMARY KEY (part, previous, t, sample)); INSERT INTO parts SELECT i / 100, i, i, i FROM generate_series(1, 1000) i',
  )
  const mapping = mappingOf(table('parts', 'part previous t sample', { key: ['part', 'previous', 't', 'sample'] }))
  await inView(lane.connections, mapping, async (view) => {
    const ranges = await view.split('parts', { parts: 4 })
    expect(ranges.length).toBe(4)
    let rows = 0
    for (const range of ranges) rows += (await readLines(view, 'parts', range)).length
    expect(rows).toBe(1000)
  })
})
