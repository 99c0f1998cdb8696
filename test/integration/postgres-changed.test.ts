import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PostgresConnections } from '../../adapters/sql/postgres/connections.ts'
import type { ConsistentView, KeyRange } from '../../src/contracts/index.ts'
import { checkAll, EVERYTHING, inView, mappingOf, readLines, remember, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'

const ROWS = 20_000
const mapping = mappingOf(table('thing', 'region no note', { key: ['region', 'no'] }))

let database: TestDatabase
let pool: pg.Pool
let connections: PostgresConnections

beforeAll(async () => {
  database = await createTestDatabase()
  ;({ pool, connections } = testPool(database.url))
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await database.query(`DROP TABLE IF EXISTS thing; CREATE TABLE thing (region text COLLATE "C", no int, note text, PRIMARY KEY (region, no));
    INSERT INTO thing SELECT (ARRAY['a', 'b"', 'Ω'])[1 + i % 3], i, repeat('x', 50) FROM generate_series(1, ${ROWS}) i`)
  await settle(database)
})

const RANGES: readonly KeyRange[] = [
  { from: null, to: '["b\\"",0]' },
  { from: '["b\\"",0]', to: '["b\\"",10000]' },
  { from: '["b\\"",10000]', to: null },
]

const known = () => inView(connections, mapping, (view) => Promise.all(RANGES.map((range) => remember(view, 'thing', range))))

async function changed(view: ConsistentView, range: KeyRange, since: Parameters<NonNullable<ConsistentView['readChanged']>>[2]): Promise<string[]> {
  let text = ''
  for await (const { bytes } of view.readChanged!('thing', range, since)) text += Buffer.from(bytes).toString('utf8')
  return text === '' ? [] : text.slice(0, -1).split('\n')
}

async function keys(view: ConsistentView, range: KeyRange): Promise<string[]> {
  const all: string[] = []
  for await (const some of view.readKeys!('thing', range)) all.push(...some)
  return all
}

describe('rows that were written since', () => {
  it.each(['scan', 'index'] as const)('are counted for each range, and read in key order (%s)', async (way) => {
    const before = await known()
    await database.query(
      `UPDATE thing SET note = 'changed' WHERE no % 1000 = 7; DELETE FROM thing WHERE no % 1000 = 8; INSERT INTO thing VALUES ('a', -5, 'new'), ('c', 1, 'new')`,
    )
    await inView(connections, mapping, async (view) => {
      // Few known rows are looked up by index, many in one scan.
      const asked = way === 'scan' ? before : before.map((range) => ({ ...range, rows: 10 }))
      const states = await checkAll(view, 'thing', asked)
      const all = await changed(view, EVERYTHING, before[0]!.evidence)
      expect(all.map((line) => JSON.parse(line).note)).toEqual(all.map((line) => (Number(JSON.parse(line).no) % 1000 === 7 ? 'changed' : 'new')))
      expect(all).toHaveLength(ROWS / 1000 + 2)
      const lines = await readLines(view, 'thing')
      expect(lines.filter((line) => all.includes(line))).toEqual(all)
      let at = 0
      for (const [place, range] of RANGES.entries()) {
        const count = states[place]!.changedRows!
        expect(await changed(view, range, before[0]!.evidence)).toEqual(all.slice(at, at + count))
        expect(states[place]).toMatchObject({ state: 'changed', rows: (await readLines(view, 'thing', range)).length, method: 'xmin' })
        at += count
      }
      expect(at).toBe(all.length)
    })
  })

  it('are not told where known ranges were confirmed by different snapshots', async () => {
    const [first, second, third] = await known()
    await database.query(`UPDATE thing SET note = 'changed' WHERE no = 7`)
    await settle(database)
    const [, later] = await known()
    await database.query(`UPDATE thing SET note = 'changed' WHERE no = 8`)
    await inView(connections, mapping, async (view) => {
      const states = await checkAll(view, 'thing', [first!, later!, third!])
      for (const { state, changedRows } of states) expect([state, changedRows]).toEqual([state, undefined])
      expect(second).toBeDefined()
    })
  })

  it('are refused to evidence that row versions do not speak for', async () => {
    const [first] = await known()
    await database.query('VACUUM FULL thing')
    await inView(connections, mapping, async (view) => {
      await expect(changed(view, EVERYTHING, first!.evidence)).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    })
  })
})

it('keys come in key order, and are those of the lines', async () => {
  await inView(connections, mapping, async (view) => {
    for (const range of [EVERYTHING, ...RANGES]) {
      const lines = await readLines(view, 'thing', range)
      expect(await keys(view, range)).toEqual(lines.map((line) => JSON.stringify([JSON.parse(line).region, JSON.parse(line).no])))
    }
  })
})
