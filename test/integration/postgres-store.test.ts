import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { mappingOf, readLines, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>
let store: EntityStore

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url, 4)
  await db.query(
    `CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders VALUES (1, 'a'), (2, NULL); CREATE TABLE migrations (id serial, name text); INSERT INTO migrations (name) VALUES ('Init')`,
  )
  store = createPostgresStore({
    name: 'main',
    orm: 'none 1',
    mapping: mappingOf(table('orders', 'id v'), table('gone', 'id')),
    connections: lane.connections,
    migrations: { table: 'migrations' },
  })
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

describe('a PostgreSQL store', () => {
  it('describes, reads, and opens the way back, and leaves every connection in the pool as it was', async () => {
    const [entity] = await store.describe([{ entity: 'orders', sensitive: ['v'] }])
    expect(entity).toMatchObject({ name: 'orders', store: 'main', schema: 'public', fields: [{ path: 'id' }, { path: 'v', sensitive: true }] })
    const view = await store.openView({ entities: [{ entity: 'orders' }], parallel: 2 })
    expect([view.store, view.parallel, view.migrations]).toEqual(['main', 2, ['Init']])
    expect(await readLines(view, 'orders')).toEqual(['{"id":1,"v":"a"}', '{"id":2,"v":null}'])
    await view.close()
    const target = await store.openTarget({ entities: [{ entity: 'orders' }], restoreId: uuidv7() })
    expect(await target.isEmpty('orders')).toBe(false)
    await target.close()
    expect(lane.pool.idleCount).toBe(lane.pool.totalCount)
  })

  it('passes refusals on, and keeps no connection for them', async () => {
    await expect(store.describe([{ entity: 'gone' }])).rejects.toMatchObject({ code: 'E_SCHEMA_DRIFT' })
    await expect(store.openView({ entities: [{ entity: 'gone' }] })).rejects.toMatchObject({ code: 'E_SCHEMA_DRIFT' })
    await expect(store.describe([{ entity: 'orders' }], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(lane.pool.idleCount).toBe(lane.pool.totalCount)
  })
})
