import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntityMapping, KnownRange, RangeState, StoreMapping } from '../../src/contracts/index.ts'
import { checkAll, inView, mappingOf, remember, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, settle, type TestDatabase } from '../support/postgres.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>
let serial = 0

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url, 6)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

/** A table of its own with `rows` rows of (id, v). */
async function fill(rows = 100, definition = 'id int PRIMARY KEY, v text'): Promise<{ name: string; mapping: StoreMapping }> {
  const name = `t${++serial}`
  await db.query(`CREATE TABLE ${name} (${definition})`)
  await db.query(`INSERT INTO ${name} (id, v) SELECT i, 'v' || i FROM generate_series(1, ${rows}) i`)
  await settle(db)
  return { name, mapping: mappingOf(table(name, 'id v')) }
}

const know = (mapping: StoreMapping, name: string) => inView(lane.connections, mapping, (view) => remember(view, name))
const check = async (mapping: StoreMapping, name: string, known: KnownRange): Promise<RangeState> =>
  (await inView(lane.connections, mapping, (view) => checkAll(view, name, [known])))[0]!

/** What is known of a table of 100 rows, checked after `change` was made to it. */
async function after(
  change: (name: string) => string | Promise<unknown>,
  options: { mapping?: (name: string) => EntityMapping; definition?: string } = {},
): Promise<RangeState> {
  const { name, mapping: plain } = await fill(100, options.definition)
  const mapping = options.mapping ? mappingOf(options.mapping(name)) : plain
  const known = await know(mapping, name)
  const sql = change(name)
  if (typeof sql === 'string') await db.query(sql)
  else await sql
  return check(mapping, name, known)
}

/** Two connections in hand, for interleaving. */
async function withClients<T>(work: (...clients: pg.Client[]) => Promise<T>, count = 2): Promise<T> {
  const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: db.url }))
  for (const client of clients) await client.connect()
  try {
    return await work(...clients)
  } finally {
    for (const client of clients) await client.end()
  }
}

describe('check by row versions', () => {
  it('finds an untouched range unchanged, without reading it', async () => {
    expect(await after(() => 'SELECT 1')).toEqual({ index: 0, state: 'unchanged', rows: 100, method: 'xmin' })
  })

  it.each([
    ['an update', (t: string) => `UPDATE ${t} SET v = 'x' WHERE id = 50`, 'xmin'],
    ['an update that writes the same value', (t: string) => `UPDATE ${t} SET v = v WHERE id = 50`, 'xmin'],
    ['an insert', (t: string) => `INSERT INTO ${t} VALUES (101, 'x')`, 'rows'],
    ['a delete', (t: string) => `DELETE FROM ${t} WHERE id = 7`, 'rows'],
    ['a delete and an insert of the same row', (t: string) => `DELETE FROM ${t} WHERE id = 7; INSERT INTO ${t} VALUES (7, 'v7')`, 'xmin'],
    ['a delete balanced by an insert elsewhere', (t: string) => `DELETE FROM ${t} WHERE id = 7; INSERT INTO ${t} VALUES (-7, 'v7')`, 'xmin'],
    ['a change of key', (t: string) => `UPDATE ${t} SET id = 1000 WHERE id = 100`, 'xmin'],
    [
      'an insert in a subtransaction',
      (t: string) => `BEGIN; DELETE FROM ${t} WHERE id = 1; SAVEPOINT a; INSERT INTO ${t} VALUES (0, 'x'); RELEASE a; COMMIT`,
      'xmin',
    ],
    [
      'TRUNCATE and a reload',
      (t: string) =>
        `BEGIN; CREATE TEMP TABLE keep AS SELECT * FROM ${t}; TRUNCATE ${t}; INSERT INTO ${t} SELECT * FROM keep WHERE id < 100; DROP TABLE keep; COMMIT`,
      'rows',
    ],
  ])('detects %s', async (_, change, reason) => {
    expect(await after(change)).toMatchObject({ state: 'changed', method: reason === 'rows' ? expect.anything() : 'xmin', reason })
  })

  it.each([
    ['a rolled back update', (t: string) => `BEGIN; UPDATE ${t} SET v = 'x'; ROLLBACK`],
    ['a rolled back subtransaction', (t: string) => `BEGIN; SAVEPOINT a; DELETE FROM ${t}; ROLLBACK TO a; COMMIT`],
    ['row locks', (t: string) => `BEGIN; SELECT * FROM ${t} FOR UPDATE; COMMIT`],
    ['VACUUM', (t: string) => `VACUUM ${t}`],
    ['freezing', (t: string) => `VACUUM (FREEZE) ${t}`],
    ['ANALYZE', (t: string) => `ANALYZE ${t}`],
    ['a new index', (t: string) => `CREATE INDEX ON ${t} (v)`],
    ['a column that is not mapped', (t: string) => `ALTER TABLE ${t} ADD COLUMN other int DEFAULT 5`],
  ])('is not misled by %s', async (_, change) => {
    expect(await after(change)).toMatchObject({ state: 'unchanged', method: 'xmin' })
  })

  it('finds each changed range among many, and no other', async () => {
    const { name, mapping } = await fill(1000)
    const bounds = [null, ...Array.from({ length: 99 }, (_, i) => `[${(i + 1) * 10 + 1}]`), null]
    const ranges = bounds.slice(0, -1).map((from, i) => ({ from, to: bounds[i + 1]! }))
    const known = await inView(lane.connections, mapping, async (view) => {
      const all: KnownRange[] = []
      for (const range of ranges) all.push(await remember(view, name, range))
      return all
    })
    expect(known.every(({ rows }) => rows === 10)).toBe(true)
    await db.query(`UPDATE ${name} SET v = 'x' WHERE id IN (1, 205, 1000); DELETE FROM ${name} WHERE id = 511; INSERT INTO ${name} VALUES (0, 'x')`)
    const states = await inView(lane.connections, mapping, (view) => checkAll(view, name, known))
    const changed = states.filter(({ state }) => state === 'changed').map(({ index, reason }) => [index, reason])
    expect(changed).toEqual([
      [0, 'rows'],
      [20, 'xmin'],
      [51, 'rows'],
      [99, 'xmin'],
    ])
    expect(states.filter(({ state }) => state === 'unchanged')).toHaveLength(96)
  })
})

describe('few ranges of a large table', () => {
  it('are looked up by index, with the same answers', async () => {
    const { name, mapping } = await fill(1000)
    await db.query(`ALTER TABLE ${name} ALTER COLUMN v SET STORAGE PLAIN; UPDATE ${name} SET v = repeat(v, 900)`)
    await settle(db)
    const ranges = [
      { from: '[10]', to: '[20]' },
      { from: '[100]', to: '[110]' },
      { from: '[200]', to: '[210]' },
      { from: '[995]', to: null },
      { from: null, to: '[5]' },
    ]
    const known = await inView(lane.connections, mapping, async (view) => {
      const all: KnownRange[] = []
      for (const range of ranges) all.push(await remember(view, name, range))
      return all
    })
    await db.query(`UPDATE ${name} SET v = 'x' WHERE id IN (105, 999); DELETE FROM ${name} WHERE id = 2`)
    const states = await inView(lane.connections, mapping, (view) => checkAll(view, name, known))
    expect(states.map(({ state, rows, reason }) => [state, rows, reason])).toEqual([
      ['unchanged', 10, undefined],
      ['changed', 10, 'xmin'],
      ['unchanged', 10, undefined],
      ['changed', 6, 'xmin'],
      ['changed', 3, 'rows'],
    ])
  })
})

describe('transactions in flight', () => {
  it('case 29: sees a row that was written before the view and committed after it', async () => {
    const { name, mapping } = await fill()
    await withClients(async (writer, later) => {
      await writer.query(`BEGIN; UPDATE ${name} SET v = 'late' WHERE id = 5`)
      await later.query(`UPDATE ${name} SET v = 'early' WHERE id = 6`) // a later id that commits first, so that X is not simply the newest
      const known = await know(mapping, name)
      await writer.query('COMMIT')
      expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'xmin' })
    })
  })

  it('sees it too when the row was written by a subtransaction that began before the view', async () => {
    const { name, mapping } = await fill()
    await withClients(async (writer) => {
      await writer.query(
        `BEGIN; INSERT INTO ${name} VALUES (500, 'a'); DELETE FROM ${name} WHERE id = 500; SAVEPOINT a; UPDATE ${name} SET v = 'late' WHERE id = 5; RELEASE a`,
      )
      const known = await know(mapping, name)
      await writer.query('COMMIT')
      expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'xmin' })
    }, 1)
  })

  it('calls a range changed rather than unchanged while an older transaction holds X back', async () => {
    const { name, mapping } = await fill()
    await withClients(async (old) => {
      await old.query('BEGIN; SELECT pg_current_xact_id()')
      await db.query(`UPDATE ${name} SET v = 'seen' WHERE id = 5`)
      const known = await know(mapping, name)
      await old.query('COMMIT')
      // The row was in the view; its transaction is above X all the same. Reading it again is the price of certainty.
      expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'xmin' })
      await settle(db)
      expect(await check(mapping, name, await know(mapping, name))).toMatchObject({ state: 'unchanged' })
    }, 1)
  })

  it('never calls a range unchanged whose lines differ, whatever eight writers do', { timeout: 120_000 }, async () => {
    const { name, mapping } = await fill(400)
    const ranges = [null, '[100]', '[200]', '[300]', null]
    const cut = ranges.slice(0, -1).map((from, i) => ({ from, to: ranges[i + 1]! }))
    const stop = new AbortController()
    const writers = Array.from({ length: 8 }, async (_, seed) => {
      const client = new pg.Client({ connectionString: db.url })
      await client.connect()
      for (let n = 0; !stop.signal.aborted; n++) await writeSomething(client, name, seed * 7919 + n * 31).catch(() => client.query('ROLLBACK'))
      await client.end()
    })
    let confirmed = 0
    try {
      for (let round = 0; round < 40; round++) {
        const known = await inView(lane.connections, mapping, async (view) => {
          const all: KnownRange[] = []
          for (const range of cut) all.push(await remember(view, name, range))
          return all
        })
        await inView(lane.connections, mapping, async (view) => {
          for (const { index, state } of await checkAll(view, name, known)) {
            if (state !== 'unchanged') continue
            confirmed++
            expect((await remember(view, name, cut[index])).sha256).toBe(known[index]!.sha256)
          }
        })
      }
    } finally {
      stop.abort()
      await Promise.all(writers)
    }
    expect(confirmed).toBeGreaterThan(0)
  })
})

/** One small transaction, mostly in the lower half of the keys: what is written all the time is never unchanged, and would prove nothing. */
async function writeSomething(client: pg.Client, name: string, seed: number): Promise<void> {
  const key = (seed * 13) % (seed % 40 === 0 ? 400 : 200)
  await client.query('BEGIN')
  if (seed % 3 === 0) await client.query('SAVEPOINT a')
  if (seed % 5 === 0) await client.query(`DELETE FROM ${name} WHERE id = ${key}`)
  else if (seed % 5 === 1) await client.query(`INSERT INTO ${name} VALUES (${key}, 'n') ON CONFLICT DO NOTHING`)
  else if (seed % 5 === 2) await client.query(`UPDATE ${name} SET id = id + 1 WHERE id = ${key} AND NOT EXISTS (SELECT FROM ${name} WHERE id = ${key} + 1)`)
  else await client.query(`UPDATE ${name} SET v = '${seed}' WHERE id = ${key}`)
  if (seed % 6 === 0) await client.query('ROLLBACK TO a')
  await new Promise((resolve) => setTimeout(resolve, seed % 23))
  await client.query(seed % 7 === 0 ? 'ROLLBACK' : 'COMMIT')
}

describe('changes below the row versions', () => {
  it.each([
    ['VACUUM FULL', (t: string) => `VACUUM FULL ${t}`, 'unchanged'],
    ['a rewrite by ALTER TYPE', (t: string) => `ALTER TABLE ${t} ALTER COLUMN id TYPE bigint`, 'changed'],
    ['a change of type without a rewrite', (t: string) => `ALTER TABLE ${t} ALTER COLUMN v TYPE varchar(40)`, 'unchanged'],
  ])('reads the lines again after %s', async (_, change, state) => {
    expect(await after(change)).toMatchObject({ state, method: 'sha256' })
  })

  it('case 30: detects TRUNCATE followed by rows with the old keys', async () => {
    const state = await after((t) => `TRUNCATE ${t}; INSERT INTO ${t} SELECT i, 'other' FROM generate_series(1, 100) i`)
    expect(state).toEqual({ index: 0, state: 'changed', rows: 100, method: 'sha256', reason: 'digest' })
  })

  it('detects a table of the same name whose rows are older than the view', async () => {
    const { name, mapping } = await fill()
    await db.query(`CREATE TABLE ${name}_other (LIKE ${name} INCLUDING ALL); INSERT INTO ${name}_other SELECT id, 'other' FROM ${name}`)
    await settle(db)
    const known = await know(mapping, name)
    await db.query(`ALTER TABLE ${name} RENAME TO ${name}_old; ALTER TABLE ${name}_other RENAME TO ${name}`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'digest' })
  })

  it('detects a renamed enum label, which touches no row', async () => {
    await db.query(`CREATE TYPE mood AS ENUM ('sad', 'ok')`)
    const definition = `id int PRIMARY KEY, v text, m mood DEFAULT 'ok'`
    const mapping = (name: string) => table(name, 'id v m')
    expect(await after(() => `ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'`, { definition, mapping })).toMatchObject({
      state: 'changed',
      method: 'sha256',
      reason: 'digest',
    })
    expect(await after(() => `ALTER TYPE mood ADD VALUE 'glad'`, { definition: `id int PRIMARY KEY, v text, m mood DEFAULT 'fine'`, mapping })).toMatchObject({
      state: 'unchanged',
      method: 'sha256',
    })
  })

  it('detects a changed label deep inside arrays, domains and composites', async () => {
    await db.query(`CREATE TYPE tint AS ENUM ('red'); CREATE TYPE paint AS (tint tint, coats int); CREATE DOMAIN paints AS paint[]`)
    const state = await after(() => `ALTER TYPE tint RENAME VALUE 'red' TO 'rouge'`, {
      definition: `id int PRIMARY KEY, v text, p paints DEFAULT ARRAY[ROW('red', 2)::paint]`,
      mapping: (name) => table(name, 'id v p'),
    })
    expect(state).toMatchObject({ state: 'changed', reason: 'digest' })
  })

  it('detects a composite attribute that was added', async () => {
    await db.query('CREATE TYPE spot AS (x int)')
    const state = await after(() => 'ALTER TYPE spot ADD ATTRIBUTE y int', {
      definition: 'id int PRIMARY KEY, v text, s spot DEFAULT ROW(1)::spot',
      mapping: (name) => table(name, 'id v s'),
    })
    expect(state).toMatchObject({ state: 'changed', reason: 'digest' })
  })

  it('detects that a dropped column came back under its name with a default', async () => {
    // Nothing is rewritten: old rows read the new default as their missing value.
    const state = await after((t) => `ALTER TABLE ${t} DROP COLUMN v; ALTER TABLE ${t} ADD COLUMN v text DEFAULT 'new'`)
    expect(state).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
  })

  it('does not compare lines that lack a column which was added with a default and mapped', async () => {
    const { name, mapping } = await fill()
    const known = await know(mapping, name)
    // No row is rewritten: their versions are as old as before.
    await db.query(`ALTER TABLE ${name} ADD COLUMN grade int DEFAULT 5`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
    expect(await check(mappingOf(table(name, 'id v grade')), name, known)).toMatchObject({ state: 'unknown', reason: 'evidence:fields' })
  })

  it('detects that a mapped column has another default for the rows that never had it', async () => {
    const { name } = await fill()
    const mapping = mappingOf(table(name, 'id v grade'))
    await db.query(`ALTER TABLE ${name} ADD COLUMN grade int DEFAULT 5`)
    await settle(db)
    const known = await know(mapping, name)
    await db.query(`ALTER TABLE ${name} DROP COLUMN grade; ALTER TABLE ${name} ADD COLUMN grade int DEFAULT 6`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
  })

  it('compares lines when the key sorts by another collation, under which a range holds other rows', async () => {
    const name = `t${++serial}`
    await db.query(`CREATE TABLE ${name} (id text COLLATE "C" PRIMARY KEY, v text); INSERT INTO ${name} VALUES ('B', '1'), ('a', '2'), ('b', '3')`)
    await settle(db)
    const mapping = mappingOf(table(name, 'id v'))
    const [order, known] = await inView(
      lane.connections,
      mapping,
      async (view) => [view.keyOrder(name), await remember(view, name, { from: '["a"]', to: null })] as const,
    )
    expect(known.rows).toBe(2)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
    await db.query(`ALTER TABLE ${name} ALTER COLUMN id TYPE text COLLATE "und-x-icu"`)
    // From a on there are three now. And whoever cuts ranges is told that they are of another order.
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', rows: 3, reason: 'rows' })
    await inView(lane.connections, mapping, async (view) => expect(view.keyOrder(name)).not.toBe(order))
  })

  it('never relies on row versions where the text comes from the catalog', async () => {
    await db.query('CREATE TABLE referred (id int)')
    const state = await after(() => 'ALTER TABLE referred RENAME TO renamed', {
      definition: `id int PRIMARY KEY, v text, r regclass DEFAULT 'referred'`,
      mapping: (name) => table(name, 'id v r'),
    })
    expect(state).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
  })
})

describe('partitions and inheritance children', () => {
  async function partitioned(): Promise<{ name: string; mapping: StoreMapping }> {
    const name = `p${++serial}`
    await db.query(`CREATE TABLE ${name} (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
      CREATE TABLE ${name}_a PARTITION OF ${name} FOR VALUES FROM (0) TO (50); CREATE TABLE ${name}_b PARTITION OF ${name} FOR VALUES FROM (50) TO (200);
      INSERT INTO ${name} SELECT i, 'v' || i FROM generate_series(1, 100) i`)
    await settle(db)
    return { name, mapping: mappingOf(table(name, 'id v')) }
  }

  it('checks them by row versions too', async () => {
    const { name, mapping } = await partitioned()
    const known = await know(mapping, name)
    expect(await check(mapping, name, known)).toEqual({ index: 0, state: 'unchanged', rows: 100, method: 'xmin' })
    await db.query(`UPDATE ${name}_b SET v = 'x' WHERE id = 60`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'xmin' })
  })

  it('detects a partition exchanged for one whose rows are older than the view', async () => {
    const { name, mapping } = await partitioned()
    await db.query(`CREATE TABLE ${name}_c (LIKE ${name}_b INCLUDING ALL); INSERT INTO ${name}_c SELECT id, 'other' FROM ${name}_b`)
    await settle(db)
    const known = await know(mapping, name)
    await db.query(`ALTER TABLE ${name} DETACH PARTITION ${name}_b; ALTER TABLE ${name} ATTACH PARTITION ${name}_c FOR VALUES FROM (50) TO (200)`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
  })

  it('detects a partition that was detached, and one that was attached, though all rows are older than the view', async () => {
    const { name, mapping } = await partitioned()
    const known = await know(mapping, name)
    await db.query(`ALTER TABLE ${name} DETACH PARTITION ${name}_b`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'rows' })
    await settle(db)
    const without = await know(mapping, name)
    await db.query(`ALTER TABLE ${name} ATTACH PARTITION ${name}_b FOR VALUES FROM (50) TO (200)`)
    expect(await check(mapping, name, without)).toMatchObject({ state: 'changed', reason: 'rows' })
    // The very same heaps again: whatever was done to one meanwhile stands in its row versions.
    expect(await check(mapping, name, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
    await db.query(
      `ALTER TABLE ${name} DETACH PARTITION ${name}_b; UPDATE ${name}_b SET v = 'x' WHERE id = 70; ALTER TABLE ${name} ATTACH PARTITION ${name}_b FOR VALUES FROM (50) TO (200)`,
    )
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'xmin' })
  })

  it('trusts no row version of a partition that was detached, changed and attached again', async () => {
    const { name, mapping } = await partitioned()
    await db.query(
      `CREATE TABLE ${name}_twin (LIKE ${name}_b INCLUDING ALL); INSERT INTO ${name}_twin SELECT id, CASE WHEN id = 70 THEN 'other' ELSE v END FROM ${name}_b`,
    )
    await settle(db)
    const known = await know(mapping, name)
    await db.query(
      `ALTER TABLE ${name} DETACH PARTITION ${name}_b; DROP TABLE ${name}_b; ALTER TABLE ${name}_twin RENAME TO ${name}_b; ALTER TABLE ${name} ATTACH PARTITION ${name}_b FOR VALUES FROM (50) TO (200)`,
    )
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
  })

  it('detects a child that was attached by INHERIT, and TRUNCATE of one', async () => {
    const { name, mapping } = await fill()
    await db.query(
      `CREATE TABLE ${name}_child () INHERITS (${name}); INSERT INTO ${name}_child VALUES (1000, 'c'), (1001, 'c'); CREATE TABLE ${name}_other (LIKE ${name}); INSERT INTO ${name}_other VALUES (1000, 'o'), (1001, 'o')`,
    )
    await settle(db)
    const known = await know(mapping, name)
    expect(known.rows).toBe(102)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'unchanged', method: 'xmin' })
    await db.query(`ALTER TABLE ${name}_child NO INHERIT ${name}; ALTER TABLE ${name}_other INHERIT ${name}`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'changed', reason: 'digest' })
  })
})

describe('evidence that does not hold', () => {
  it.each([
    ['systemId', '1'],
    ['database', '1'],
    ['timeline', '000000FF'],
    ['role', 'standby'],
    ['postmasterStart', '1'],
    ['statisticsSince', '1'],
    ['relations', 'x'],
    ['columns', 'x'],
    ['types', 'x'],
    ['collations', 'x'],
    ['lsn', 'FFFFFFFF/0'],
    ['lsn', 'nonsense'],
    ['xmin', String(2n ** 62n)],
    ['xmin', '2'],
    ['xmin', '0'],
  ])('compares the lines when %s differs (%s)', async (field, value) => {
    const { name, mapping } = await fill(10)
    const known = await know(mapping, name)
    const forged = { ...known, evidence: { ...known.evidence, values: { ...known.evidence.values, [field]: value } } }
    expect(await check(mapping, name, forged)).toEqual({ index: 0, state: 'unchanged', rows: 10, method: 'sha256' })
    expect(await check(mapping, name, { ...forged, sha256: '0'.repeat(64) })).toMatchObject({ state: 'changed', method: 'sha256', reason: 'digest' })
    expect(await check(mapping, name, { ...forged, rows: 9 })).toMatchObject({ state: 'changed', reason: 'rows' })
  })

  it.each(['encoding', 'fields'])('does not even read when %s differs: such lines cannot be equal', async (field) => {
    const { name, mapping } = await fill(10)
    const known = await know(mapping, name)
    const forged = { ...known, evidence: { ...known.evidence, values: { ...known.evidence.values, [field]: 'x' } } }
    expect(await check(mapping, name, forged)).toMatchObject({ state: 'unknown', reason: `evidence:${field}` })
  })

  it('says unknown to evidence of another lane, and to bounds that the key no longer has', async () => {
    const { name, mapping } = await fill(10)
    const known = await inView(lane.connections, mapping, (view) => remember(view, name, { from: '[3]', to: '[8]' }))
    expect(await check(mapping, name, { ...known, evidence: { method: 'node', values: known.evidence.values } })).toMatchObject({
      state: 'unknown',
      reason: 'evidence:method',
    })
    await db.query(`ALTER TABLE ${name} ALTER COLUMN id TYPE uuid USING lpad(id::text, 32, '0')::uuid`)
    expect(await check(mapping, name, known)).toMatchObject({ state: 'unknown', reason: 'evidence:relations' })
  })

  it('does not count newer rows where row versions are not trusted, however the rows are counted', async () => {
    const { name, mapping } = await fill(3000)
    const known = await know(mapping, name)
    const few = { ...known, range: { from: '[50]', to: '[53]' }, rows: 4, sha256: null }
    const restarted = { ...known.evidence, values: { ...known.evidence.values, statisticsSince: 'earlier' } }
    await db.query(`UPDATE ${name} SET v = 'x' WHERE id = 50`)
    expect(await check(mapping, name, few)).toEqual({ index: 0, state: 'changed', rows: 3, changedRows: 1, method: 'xmin', reason: 'rows' })
    expect(await check(mapping, name, { ...few, evidence: restarted })).toEqual({ index: 0, state: 'changed', rows: 3, method: 'sha256', reason: 'rows' })
  })

  it('is another for other fields of the plan', async () => {
    const { name, mapping } = await fill(10)
    const known = await know(mapping, name)
    const states = await inView(lane.connections, mapping, (view) => checkAll(view, name, [known]), { selection: [{ entity: name, ignore: ['v'] }] })
    expect(states[0]).toMatchObject({ state: 'unknown', reason: 'evidence:fields' })
  })
})
