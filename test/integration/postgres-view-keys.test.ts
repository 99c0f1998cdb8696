import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEntities, type PostgresEntity } from '../../adapters/sql/postgres/catalog.ts'
import type { PostgresClient } from '../../adapters/sql/postgres/connections.ts'
import { countByIndex } from '../../adapters/sql/postgres/count-by-index.ts'
import { countByScan } from '../../adapters/sql/postgres/count-by-scan.ts'
import { queryText } from '../../adapters/sql/postgres/query.ts'
import { selectRange } from '../../adapters/sql/postgres/read-sql.ts'
import { pinSettings } from '../../adapters/sql/postgres/session-settings.ts'
import type { KeyRange, StoreMapping } from '../../src/contracts/index.ts'
import { checkAll, inView, mappingOf, readLines, remember, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url, 4)
  await db.query(`CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE TYPE size AS ENUM ('small', 'big', 'average');
    CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE DOMAIN code AS varchar(20) COLLATE "C"`)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

/** Key columns, the key, and rows of a table; each row is the values of the key as SQL. */
const KEYS: Record<string, { columns: string; key: string; rows: string }> = {
  'negative integers': { columns: 'a int', key: 'a', rows: 'SELECT i - 500 FROM generate_series(1, 1000) i' },
  'integers beyond 2^53': {
    columns: 'a bigint',
    key: 'a',
    rows: 'SELECT 9007199254740000::bigint + i * 7 FROM generate_series(1, 1000) i UNION SELECT -9223372036854775808',
  },
  'numbers of many digits': { columns: 'a numeric', key: 'a', rows: 'SELECT (i - 300)::numeric / 7 * 10 ^ 20 FROM generate_series(1, 700) i' },
  'floats with every special value': {
    columns: 'a float8',
    key: 'a',
    rows: `SELECT (i - 300) / 7.0::float8 FROM generate_series(1, 599) i WHERE i <> 300 UNION ALL VALUES ('NaN'), ('Infinity'), ('-Infinity'), (1e-300), (-1e300), ('-0')`,
  },
  uuids: { columns: 'a uuid', key: 'a', rows: 'SELECT md5(i::text)::uuid FROM generate_series(1, 1000) i' },
  'text of a linguistic collation': {
    columns: 'a text COLLATE "en-x-icu"',
    key: 'a',
    rows: `SELECT chr(97 + i % 26) || chr(65 + i % 7) || '_' || i FROM generate_series(1, 900) i UNION VALUES ('Ärger'), ('zoë'), ('Zoë'), ('it''s'), ('back\\slash'), ('tab' || chr(9)), ('line' || chr(10)), ('"q"'), (''), (' '), ('😀'), ('\${x}')`,
  },
  'text of byte order': {
    columns: 'a text COLLATE "C"',
    key: 'a',
    rows: `SELECT chr(33 + i % 90) || i FROM generate_series(1, 900) i UNION VALUES ('é'), ('😀'), (chr(1)), ('\\x')`,
  },
  'text without regard to case': {
    columns: 'a text COLLATE anycase',
    key: 'a',
    rows: `SELECT CASE WHEN i % 2 = 0 THEN 'Key' ELSE 'kEY' END || i FROM generate_series(1, 900) i`,
  },
  'citext of an extension in its own schema': {
    columns: 'a ext.citext',
    key: 'a',
    rows: `SELECT CASE WHEN i % 2 = 0 THEN 'Key' ELSE 'kEY' END || i FROM generate_series(1, 900) i`,
  },
  'citext with integers': {
    columns: 'a ext.citext, b int',
    key: 'a, b',
    rows: `SELECT CASE WHEN i % 2 = 0 THEN 'K' ELSE 'k' END || i / 20, i FROM generate_series(1, 900) i`,
  },
  'padded characters': { columns: 'a char(8)', key: 'a', rows: `SELECT 'c' || i FROM generate_series(1, 900) i` },
  'a domain with a collation of its own': {
    columns: 'a code',
    key: 'a',
    rows: `SELECT CASE WHEN i % 2 = 0 THEN 'A' ELSE 'a' END || i FROM generate_series(1, 900) i`,
  },
  enums: { columns: 'a size, b int', key: 'a, b', rows: `SELECT s, i FROM generate_series(1, 300) i, unnest(enum_range(NULL::size)) s` },
  booleans: { columns: 'a boolean, b int', key: 'a, b', rows: 'SELECT i % 3 = 0, i FROM generate_series(1, 900) i' },
  bytes: { columns: 'a bytea', key: 'a', rows: `SELECT decode(md5(i::text), 'hex') FROM generate_series(1, 900) i UNION VALUES ('\\x'::bytea), ('\\x00')` },
  'timestamps with infinities and years before Christ': {
    columns: 'a timestamptz',
    key: 'a',
    rows: `SELECT '2024-01-01'::timestamptz + i * interval '1 hour 0.000001 second' FROM generate_series(1, 900) i UNION VALUES ('infinity'::timestamptz), ('-infinity'), ('0044-03-15 12:00 BC'), ('12024-01-01')`,
  },
  'dates, times and intervals': {
    columns: 'a date, b time, c interval',
    key: 'a, b, c',
    rows: `SELECT '2024-01-01'::date + i / 50, '00:00'::time + i * interval '17 min', i * interval '5 hours' FROM generate_series(1, 900) i`,
  },
  'a tenant with few values first': { columns: 'tenant text, id bigint', key: 'tenant, id', rows: `SELECT 't' || i % 3, i FROM generate_series(1, 1500) i` },
  'a key in another order than the columns': {
    columns: 'z int, y int, x int',
    key: 'x, z, y',
    rows: 'SELECT i % 10, i % 7, i FROM generate_series(1, 1000) i',
  },
  'integer arrays': {
    columns: 'a int[]',
    key: 'a',
    rows: 'SELECT ARRAY[i % 10, i] FROM generate_series(1, 500) i UNION VALUES (ARRAY[]::int[]), (ARRAY[NULL]::int[])',
  },
  'text arrays': { columns: 'a text[]', key: 'a', rows: `SELECT ARRAY['a"b', i::text, 'c\\d', 'NULL', ''] FROM generate_series(1, 500) i` },
  ranges: { columns: 'a int4range', key: 'a', rows: 'SELECT int4range(i, i + 5) FROM generate_series(1, 500) i' },
}

const NAMES = Object.keys(KEYS)

async function create(name: string): Promise<{ mapping: StoreMapping; total: number; table: string; key: string }> {
  const { columns, key, rows } = KEYS[name]!
  const keys = key.split(', ')
  const relation = `k${NAMES.indexOf(name)}`
  await db.query(`DROP TABLE IF EXISTS ${relation}; CREATE TABLE ${relation} (${columns}, note text DEFAULT 'n', PRIMARY KEY (${key}));
    INSERT INTO ${relation} (${columns
      .split(', ')
      .map((column) => column.split(' ')[0])
      .join(', ')}) ${rows}`)
  const [row] = await db.query<{ n: string }>(`SELECT count(*) AS n FROM ${relation}`)
  return { mapping: mappingOf(table(relation, [...keys, 'note'].join(' '), { key: keys })), total: Number(row!.n), table: relation, key }
}

/** Every `step`-th key as a bound. */
function rangesOf(lines: readonly string[], keyFields: number, step: number): KeyRange[] {
  const keys = lines.map((line) => keyOf(line, keyFields)).filter((_, place) => place > 0 && place % step === 0)
  return [null, ...keys].map((from, place) => ({ from, to: keys[place] ?? null }))
}

/** The key text of a line, cut out by hand: the first members' values as they stand. */
function keyOf(line: string, keyFields: number): string {
  const note = line.lastIndexOf(',"note":')
  const members = line.slice(1, note)
  if (keyFields === 1) return `[${members.slice(members.indexOf(':') + 1)}]`
  return `[${members
    .split(/,(?="[a-z]+":)/)
    .map((member) => member.slice(member.indexOf(':') + 1))
    .join(',')}]`
}

/** Runs something of the lane on a connection with pinned settings. */
async function counted<T>(mapping: StoreMapping, work: (client: PostgresClient, entity: PostgresEntity) => Promise<T>): Promise<T> {
  const { client, release } = await lane.connections.acquire()
  try {
    await queryText(client, 'beginning', `BEGIN; ${pinSettings({ version: 150000 })}`)
    const [entity] = await describeEntities(client, { store: 's', mapping, selection: [{ entity: mapping.entities[0]!.name }], searchPath: ['public'] })
    return await work(client, entity!)
  } finally {
    release(true)
  }
}

describe.each(NAMES)('ranges of %s', (name) => {
  it('cover all rows in the order of the key, without gap or overlap', async () => {
    const { mapping, total, table: relation } = await create(name)
    const keyFields = mapping.entities[0]!.key.length
    await inView(lane.connections, mapping, async (view) => {
      const whole = await readLines(view, relation)
      expect(whole).toHaveLength(total)
      const ranges = rangesOf(whole, keyFields, 97)
      expect(ranges.length).toBeGreaterThan(4)
      const pieces: string[] = []
      for (const range of ranges) {
        const lines = await readLines(view, relation, range)
        if (range.from !== null) expect(keyOf(lines[0]!, keyFields)).toBe(range.from)
        pieces.push(...lines)
      }
      expect(pieces).toEqual(whole)

      const known = []
      for (const range of ranges) known.push(await remember(view, relation, range))
      const states = await checkAll(view, relation, known)
      expect(states.map(({ rows, method }) => [rows, method])).toEqual(known.map(({ rows }) => [rows, 'xmin']))

      // Both ways of counting agree with what was read, also for ranges that overlap, have gaps between, or come in any order.
      const asked = [...ranges, { from: ranges[1]!.from, to: ranges[3]!.to }].map((range, index) => ({ index, range, rows: 0, horizon: null })).reverse()
      const rows = [...known.map((range) => range.rows), known[1]!.rows + known[2]!.rows + known[3]!.rows]
      for (const count of [countByScan, countByIndex]) {
        for (const some of [asked, asked.filter(({ index }) => index % 3 === 1)]) {
          const counts = await counted(mapping, (client, entity) => count(client, entity, some))
          expect(some.map(({ index }) => counts.get(index)?.rows)).toEqual(some.map(({ index }) => rows[index]))
        }
      }
    })
  })

  it('are cut into parts of about the same size', async () => {
    const { mapping, total, table: relation } = await create(name)
    await inView(lane.connections, mapping, async (view) => {
      const ranges = await view.split(relation, { parts: 5 })
      expect(ranges).toHaveLength(5)
      const whole = await readLines(view, relation)
      const pieces = []
      for (const range of ranges) pieces.push(await readLines(view, relation, range))
      expect(pieces.flat()).toEqual(whole)
      for (const piece of pieces) expect(Math.abs(piece.length - total / 5)).toBeLessThanOrEqual(1)
    })
  })
})

describe('the plan of a range', () => {
  it.each(['a tenant with few values first', 'citext with integers', 'uuids'])('is an index scan with both bounds for %s', async (name) => {
    const { mapping, table: relation } = await create(name)
    await db.query(`ANALYZE ${relation}`)
    const lines = await inView(lane.connections, mapping, (view) => readLines(view, relation))
    const [, range] = rangesOf(lines, mapping.entities[0]!.key.length, 97)
    const plan = await counted(mapping, async (client, entity) => {
      await queryText(client, 'pinning the plan', 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off')
      return queryText(client, 'explaining', `EXPLAIN ${selectRange(entity, range!)}`)
    })
    const text = plan.map((row) => row['QUERY PLAN']).join('\n')
    expect(text).toMatch(/Index Scan using \w+_pkey/)
    expect(text).toMatch(/Index Cond: .*>=.*(<|<=)/)
  })
})

describe('split', () => {
  const large = mappingOf(table('large', 'id v'))

  it('of a large table looks at a sample and gives parts of like size', async () => {
    await db.query(`CREATE TABLE large (id int PRIMARY KEY, v text); INSERT INTO large SELECT i * 3, repeat('z', 700) FROM generate_series(1, 30000) i`)
    await inView(lane.connections, large, async (view) => {
      const ranges = await view.split('large', { parts: 8 })
      expect(ranges).toHaveLength(8)
      expect(await view.split('large', { parts: 8 })).toEqual(ranges)
      for (const range of ranges) {
        const { rows } = await remember(view, 'large', range)
        expect(rows).toBeGreaterThan(30_000 / 8 / 2)
        expect(rows).toBeLessThan((30_000 / 8) * 1.5)
      }
    })
  })

  it('sees the view, not what was written after it', async () => {
    await inView(lane.connections, large, async (view) => {
      await db.query('DELETE FROM large WHERE id > 3000; INSERT INTO large SELECT -i FROM generate_series(1, 50000) i')
      const [first] = await view.split('large', { parts: 4 })
      expect(Number(JSON.parse(first!.to!)[0])).toBeGreaterThan(3000)
    })
  })

  it('of few or no rows, or into one part, is fewer ranges, at least one', async () => {
    await db.query('CREATE TABLE none (id int PRIMARY KEY); CREATE TABLE two (id int PRIMARY KEY); INSERT INTO two VALUES (5), (9)')
    await inView(lane.connections, mappingOf(table('none', 'id'), table('two', 'id')), async (view) => {
      expect(await view.split('none', { parts: 4 })).toEqual([{ from: null, to: null }])
      expect(await view.split('two', { parts: 1 })).toEqual([{ from: null, to: null }])
      expect(await view.split('two', { parts: 4 })).toEqual([
        { from: null, to: '[9]' },
        { from: '[9]', to: null },
      ])
      expect(await readLines(view, 'none')).toEqual([])
    })
  })
})

describe('a table in parts', () => {
  it('is read whole and in order: partitions, their partitions, and inheritance children', async () => {
    await db.query(`CREATE TABLE sales (region text, id int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
      CREATE TABLE sales_eu PARTITION OF sales FOR VALUES IN ('eu') PARTITION BY RANGE (id); CREATE TABLE sales_eu_1 PARTITION OF sales_eu DEFAULT;
      CREATE TABLE sales_us (id int NOT NULL, region text NOT NULL); ALTER TABLE sales ATTACH PARTITION sales_us FOR VALUES IN ('us');
      INSERT INTO sales SELECT CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END, i FROM generate_series(1, 1000) i;
      CREATE TABLE animal (id int PRIMARY KEY); CREATE TABLE dog (barks boolean) INHERITS (animal); INSERT INTO animal VALUES (2); INSERT INTO dog VALUES (1, true), (3, true)`)
    const mapping = mappingOf(table('sales', 'region id', { key: ['region', 'id'] }), table('animal', 'id'))
    await inView(lane.connections, mapping, async (view) => {
      expect(await readLines(view, 'animal')).toEqual(['{"id":1}', '{"id":2}', '{"id":3}'])
      const whole = await readLines(view, 'sales')
      expect(whole).toHaveLength(1000)
      expect(whole[500]).toBe('{"region":"us","id":1}')
      const pieces = []
      for (const range of await view.split('sales', { parts: 3 })) pieces.push(...(await readLines(view, 'sales', range)))
      expect(pieces).toEqual(whole)
    })
  })
})

describe('a key that is not one', () => {
  it('is refused', async () => {
    const { mapping, table: relation } = await create('negative integers')
    await inView(lane.connections, mapping, async (view) => {
      await expect(readLines(view, relation, { from: '[1,2]', to: null })).rejects.toMatchObject({ code: 'E_RECORD' })
      await expect(readLines(view, relation, { from: 'x', to: null })).rejects.toMatchObject({ code: 'E_RECORD' })
      await expect(readLines(view, relation, { from: `["1'; DROP TABLE ${relation}; --"]`, to: null })).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
      expect((await readLines(view, relation)).length).toBe(1000)
    })
  })
})
