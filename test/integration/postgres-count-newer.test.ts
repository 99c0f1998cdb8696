import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeEntities, type PostgresEntity } from '../../adapters/sql/postgres/catalog.ts'
import type { PostgresClient } from '../../adapters/sql/postgres/connections.ts'
import { countByIndex } from '../../adapters/sql/postgres/count-by-index.ts'
import { countNewer } from '../../adapters/sql/postgres/count-newer.ts'
import { queryText } from '../../adapters/sql/postgres/query.ts'
import type { CountedRange } from '../../adapters/sql/postgres/row-age.ts'
import { pinSettings } from '../../adapters/sql/postgres/session-settings.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const RANGES = 10
const ROWS = 1000
const MAPPING = mappingOf(table('things', 'a b note'), table('pairs', 'a b note', { key: ['a', 'b'] }))

let db: TestDatabase
let lane: ReturnType<typeof testPool>
let horizon: string

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url, 2)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})
beforeEach(async () => {
  await db.query(`DROP TABLE IF EXISTS things, pairs;
    CREATE TABLE things (a bigint PRIMARY KEY, b int, note text); CREATE TABLE pairs (a int, b int, note text, PRIMARY KEY (a, b));
    INSERT INTO things SELECT i * 10, i, 'x' FROM generate_series(0, ${ROWS - 1}) i; INSERT INTO pairs SELECT i / 100, i % 100, 'x' FROM generate_series(0, ${ROWS - 1}) i`)
  await db.query('VACUUM ANALYZE things, pairs')
  const [row] = await db.query<{ horizon: string }>('SELECT pg_current_xact_id()::xid::text AS horizon')
  horizon = row!.horizon
})

/** Ten ranges that cover all keys, as they were. */
function known(entity: string): CountedRange[] {
  const bound = (at: number) => (at === 0 || at === RANGES ? null : entity === 'things' ? `["${at * 1000}"]` : `[${at},0]`)
  return Array.from({ length: RANGES }, (_, at) => ({ index: at, range: { from: bound(at), to: bound(at + 1) }, rows: ROWS / RANGES, horizon }))
}

async function inTransaction<T>(name: string, work: (client: PostgresClient, entity: PostgresEntity) => Promise<T>): Promise<T> {
  const { client, release } = await lane.connections.acquire()
  try {
    await queryText(client, 'beginning', `BEGIN; ${pinSettings({ version: 150000 })}`)
    const [entity] = await describeEntities(client, { store: 's', mapping: MAPPING, selection: [{ entity: name }], searchPath: ['public'] })
    return await work(client, entity!)
  } finally {
    release(true)
  }
}

const CHANGES: Record<string, string> = {
  nothing: 'SELECT 1',
  'rows updated in one range': `UPDATE # SET note = 'y' WHERE b = 20`,
  'rows updated in every range': `UPDATE # SET note = 'y' WHERE b % 7 = 0`,
  'rows deleted': 'DELETE FROM # WHERE b % 9 = 0',
  'all rows of a range deleted': 'DELETE FROM # WHERE b BETWEEN 20 AND 30',
  'a row deleted and another inserted elsewhere': `DELETE FROM # WHERE a IN (SELECT min(a) FROM #) AND b = 0; INSERT INTO # VALUES (7777, 7777, 'new')`,
  'a row deleted and another inserted beside it': `DELETE FROM # WHERE b = 25; INSERT INTO # VALUES (3, 10001, 'new')`,
  'a key moved to another range': `UPDATE # SET a = a + 5555 WHERE b = 45`,
  'rows appended': `INSERT INTO # SELECT 100000 + i, i, 'new' FROM generate_series(1, 50) i`,
  'everything deleted': 'DELETE FROM #',
}

describe.each(['things', 'pairs'])('one pass that looks up newer rows only, over %s', (name) => {
  it.each(Object.keys(CHANGES))('counts as looking up each range does: %s', async (change) => {
    await db.query(CHANGES[change]!.replaceAll('#', name))
    const ranges = known(name)
    const [fast, sure] = await inTransaction(name, async (client, entity) => [
      await countNewer(client, entity, ranges.toReversed()),
      await countByIndex(client, entity, ranges),
    ])
    expect(fast).not.toBeNull()
    expect(ranges.map(({ index }) => fast!.get(index))).toEqual(ranges.map(({ index }) => sure.get(index)))
  })

  it('counts the same when no page is known to be visible to all', async () => {
    await db.query(
      `ALTER TABLE ${name} SET (autovacuum_enabled = off); UPDATE ${name} SET note = 'z'; UPDATE pg_class SET relallvisible = 0 WHERE relname = '${name}'`,
    )
    await db.query(`DELETE FROM ${name} WHERE b % 4 = 1`)
    const ranges = known(name)
    const [fast, sure] = await inTransaction(name, async (client, entity) => [
      await countNewer(client, entity, ranges),
      await countByIndex(client, entity, ranges),
    ])
    expect(ranges.map(({ index }) => fast!.get(index))).toEqual(ranges.map(({ index }) => sure.get(index)))
  })
})

describe('ranges that one pass cannot tell', () => {
  it('have gaps, lie over each other, or were confirmed by several snapshots', async () => {
    const ranges = known('things')
    const whole = { ...ranges[0]!, range: { from: null, to: null } }
    for (const some of [
      ranges.filter(({ index }) => index !== 4),
      [...ranges, { ...ranges[3]!, index: 10 }],
      [whole, ...ranges.slice(1)],
      ranges.map((range) => (range.index === 2 ? { ...range, horizon: null } : range)),
      ranges.map((range) => (range.index === 2 ? { ...range, horizon: '3' } : range)),
    ]) {
      expect(await inTransaction('things', (client, entity) => countNewer(client, entity, some))).toBeNull()
    }
  })
})
