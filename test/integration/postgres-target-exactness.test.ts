import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll, type SavedStore } from '../support/postgres-restore.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url)
  await db.query(`CREATE SCHEMA "odd ""schema"; CREATE EXTENSION IF NOT EXISTS citext`)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

/** Column, type, value in the backup, and a live value that looks equal to some comparison but is not the same. */
const NEAR: readonly (readonly [column: string, type: string, value: string, near: string])[] = [
  ['n', 'numeric', `'1.00'`, `'1.0'`],
  ['nan', 'numeric', `'NaN'`, `'0'`],
  ['f', 'float8', `'-0'`, `'0'`],
  ['f4', 'float4', `'16777217'`, `'16777218'`],
  ['fi', 'float8', `'Infinity'`, `'NaN'`],
  ['j', 'jsonb', `'null'`, `NULL`],
  ['j2', 'jsonb', `'{"a": 1.10, "b": [1e400]}'`, `'{"a": 1.1, "b": [1e400]}'`],
  ['js', 'json', `E'{"a": 1,\\n"a":2}'`, `'{"a": 1, "a":2}'`],
  ['c', 'char(5)', `'a'`, `'a  b'`],
  ['v', 'varchar(10)', `'a '`, `'a'`],
  ['ci', 'citext', `'Word'`, `'word'`],
  ['t', 'text', `''`, `NULL`],
  ['t2', 'text', `E'\\\\N\\t"\u2028'`, `E'\\\\N\\t"'`],
  ['nd', 'text COLLATE blind', `'Same'`, `'same'`],
  ['ts', 'timestamptz', `'2026-01-01 00:00:00.123456+00'`, `'2026-01-01 00:00:00.123457+00'`],
  ['ti', 'timestamptz', `'infinity'`, `'-infinity'`],
  ['bc', 'timestamp', `'0044-03-15 12:00:00 BC'`, `'0044-03-15 12:00:00'`],
  ['d', 'date', `'infinity'`, `'9999-12-31'`],
  ['iv', 'interval', `'1 day'`, `'24 hours'`],
  ['b', 'bytea', `'\\x00ff'`, `'\\x00fe'`],
  ['a', 'numeric[]', `'{1.0,NULL}'`, `'{1,NULL}'`],
  ['ab', 'int[]', `'[0:1]={1,2}'`, `'{1,2}'`],
  ['a2', 'text[]', `'{{a,"b c"},{"NULL",NULL}}'`, `'{{a,"b c"},{NULL,NULL}}'`],
  ['r', 'numrange', `'[1.0,2.0)'`, `'[1,2)'`],
  ['p', 'point', `'(1,-0)'`, `'(1,0)'`],
  ['m', 'mood', `'so so'`, `'fine'`],
  ['k', 'pair', `'(,)'`, `NULL`],
  ['z', 'positive', `3`, `4`],
  ['u', 'uuid', `'00000000-0000-0000-0000-000000000001'`, `'00000000-0000-0000-0000-000000000002'`],
  ['big', 'bigint', `9007199254740993`, `9007199254740992`],
  ['bit', 'bit varying', `B'010'`, `B'0100'`],
  ['bo', 'boolean', `true`, `false`],
]

describe('values', () => {
  const mapping = mappingOf(table('Thing', `id ${NEAR.map(([column]) => column).join(' ')}`, { schema: 'odd "schema', table: 'near' }))
  const columns = NEAR.map(([column]) => column)
  let saved: SavedStore

  beforeAll(async () => {
    await db.query(`
      CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TYPE public.mood AS ENUM ('so so', 'fine');
      CREATE TYPE public.pair AS (a int, b text);
      CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
      CREATE TABLE "odd ""schema".near (id int PRIMARY KEY, ${NEAR.map(([column, type]) => `${column} ${type}`).join(', ')})`)
  })

  beforeEach(async () => {
    await db.query(`TRUNCATE "odd ""schema".near`)
    await db.query(`INSERT INTO "odd ""schema".near VALUES (0, ${NEAR.map(([, , value]) => value).join(', ')}), (1${', NULL'.repeat(NEAR.length)})`)
    await db.query(
      `INSERT INTO "odd ""schema".near SELECT i, ${columns.join(', ')} FROM "odd ""schema".near, generate_series(100, ${99 + NEAR.length}) i WHERE id = 0`,
    )
    saved = await saveAll(lane.connections, mapping)
  })

  /** Every value as the server prints it, and who wrote the row. */
  const image = () =>
    db.query(
      `SET bytea_output = hex; SELECT id, xmin::text, ${columns.map((column) => `format('%L', ${column}) AS ${column}`).join(', ')} FROM "odd ""schema".near ORDER BY id`,
    )

  it('come back to the letter, and only the rows that differ are written', async () => {
    const before = await image()
    for (const [at, [column, , , near]] of NEAR.entries()) await db.query(`UPDATE "odd ""schema".near SET ${column} = ${near} WHERE id = ${100 + at}`)
    const spoilt = await image()
    const { reconciled } = await restoreAll(lane.connections, mapping, saved)
    expect(reconciled?.entities[0]).toMatchObject({ create: 0, update: NEAR.length, identical: 2 })
    const after = await image()
    const values = (rows: Record<string, unknown>[]) => rows.map((row) => ({ ...row, xmin: null }))
    expect(values(after)).toEqual(values(before))
    expect(values(spoilt)).not.toEqual(values(before))
    for (const id of [0, 1]) expect(after.find((row) => row.id === id)).toEqual(before.find((row) => row.id === id))
  })

  it('name the one field that differs', async () => {
    for (const [at, [column, , , near]] of NEAR.entries()) await db.query(`UPDATE "odd ""schema".near SET ${column} = ${near} WHERE id = ${100 + at}`)
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf(saved.entities[0]!)
      await target.stage(item)
      const { entities } = await target.reconcile([item], { samples: 100 })
      expect(entities[0]?.samples.map(({ changes }) => changes.map(({ field }) => field))).toEqual(columns.map((column) => [column]))
      const change = (field: string) => entities[0]?.samples.flatMap(({ changes }) => changes).find((each) => each.field === field)
      expect(change('n')).toEqual({ field: 'n', live: '1.0', record: '1.00' })
      expect(change('j')).toEqual({ field: 'j', live: null, record: [null] })
      expect(change('b')).toEqual({ field: 'b', live: 'AP4=', record: 'AP8=' })
      expect(change('ts')?.record).toBe('2026-01-01T00:00:00.123456+00')
      expect(change('a')).toEqual({ field: 'a', live: ['1', null], record: ['1.0', null] })
      expect(change('a2')?.record).toEqual([
        ['a', 'b c'],
        ['NULL', null],
      ])
      expect(change('bo')).toEqual({ field: 'bo', live: false, record: true })
    })
  })

  it('are the same by either way into the table, and a second restore writes nothing', async () => {
    const before = await db.query(`SELECT md5(string_agg(format('%s', t), E'\\n' ORDER BY id)) FROM "odd ""schema".near t`)
    for (const mode of ['staged', 'direct'] as const) {
      await db.query(`TRUNCATE "odd ""schema".near`)
      await restoreAll(lane.connections, mapping, saved, { mode })
      expect(await db.query(`SELECT md5(string_agg(format('%s', t), E'\\n' ORDER BY id)) FROM "odd ""schema".near t`)).toEqual(before)
    }
    const written = await image()
    const { merged } = await restoreAll(lane.connections, mapping, saved)
    expect(merged.entities).toMatchObject([{ entity: 'Thing', created: 0, updated: 0 }])
    expect(await image()).toEqual(written)
  })

  it('are refused with their key when a domain or enum has become narrower', async () => {
    await db.query(`
      TRUNCATE "odd ""schema".near;
      ALTER DOMAIN public.positive ADD CONSTRAINT many CHECK (VALUE > 3)`)
    await inTarget(lane.connections, mapping, async (target) => {
      const report = await target.stage(itemOf(saved.entities[0]!))
      expect(report.problems).toMatchObject([{ key: '[0]', line: 1, cause: 'validation' }])
      expect(report.problems[0]?.message).toContain('violates check constraint "many"')
    })
    await db.query(`ALTER DOMAIN public.positive DROP CONSTRAINT many`)
  })
})

describe('columns that the database makes', () => {
  const mapping = mappingOf(table('made', 'id seq base doubled note'))

  beforeEach(async () => {
    await db.query(`
      DROP TABLE IF EXISTS made;
      CREATE TABLE made (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, seq serial, base int, doubled int GENERATED ALWAYS AS (base * 2) STORED, note text);
      INSERT INTO made (base, note) SELECT i, 'n' || i FROM generate_series(1, 10) i`)
  })

  it.each(['staged', 'direct'] as const)('come back by the %s way: identity written, computed left to the database, sequences advanced', async (mode) => {
    const before = await db.query('TABLE made ORDER BY id')
    const saved = await saveAll(lane.connections, mapping)
    await db.query(
      mode === 'direct'
        ? 'TRUNCATE made RESTART IDENTITY'
        : `DELETE FROM made WHERE id > 5; UPDATE made SET base = 0, note = '' WHERE id = 2; ALTER SEQUENCE made_id_seq RESTART; ALTER SEQUENCE made_seq_seq RESTART`,
    )
    await restoreAll(lane.connections, mapping, saved, { mode })
    expect(await db.query('TABLE made ORDER BY id')).toEqual(before)
    expect(await db.query(`INSERT INTO made (base) VALUES (1) RETURNING id, seq`)).toEqual([{ id: 11, seq: 11 }])
  })

  it('moves sequences forward only, to the greatest of live, saved and column', async () => {
    const last = async () => Number((await db.query<{ last_value: string }>('SELECT last_value FROM made_id_seq'))[0]?.last_value)
    const saved = await saveAll(lane.connections, mapping)
    await db.query(`SELECT setval('made_id_seq', 500)`)
    await restoreAll(lane.connections, mapping, saved)
    expect(await last()).toBe(500)
    await db.query(`SELECT setval('made_id_seq', 3)`)
    await restoreAll(lane.connections, mapping, { ...saved, sequences: [{ entity: 'made', field: 'id', lastValue: '77' }] })
    expect(await last()).toBe(77)
    await db.query(`SELECT setval('made_id_seq', 3)`)
    await restoreAll(lane.connections, mapping, { ...saved, sequences: [] })
    expect(await last()).toBe(10)
  })

  it('updates an identity beside the key, and leaves it as it was', async () => {
    const beside = mappingOf(table('beside', 'id number note'))
    await db.query(`
      DROP TABLE IF EXISTS beside;
      CREATE TABLE beside (id int PRIMARY KEY, number int GENERATED ALWAYS AS IDENTITY UNIQUE, note text);
      INSERT INTO beside (id, note) SELECT i, 'n' FROM generate_series(1, 3) i`)
    const saved = await saveAll(lane.connections, beside)
    const before = await db.query('TABLE beside ORDER BY id')
    await db.query(`DELETE FROM beside WHERE id = 2; INSERT INTO beside VALUES (2, DEFAULT, 'n'); UPDATE beside SET note = 'x' WHERE id = 1`)
    const { merged } = await restoreAll(lane.connections, beside, saved)
    expect(await db.query('TABLE beside ORDER BY id')).toEqual(before)
    expect(merged.silenced).toEqual(['GENERATED ALWAYS of "public"."beside"."number"'])
    expect(await db.query(`SELECT attidentity FROM pg_attribute WHERE attrelid = 'beside'::regclass AND attname = 'number'`)).toEqual([{ attidentity: 'a' }])
  })

  it('refuses a type that would round in silence', async () => {
    const saved = await saveAll(lane.connections, mapping)
    await db.query('ALTER TABLE made ALTER COLUMN seq TYPE smallint')
    await failure(restoreAll(lane.connections, mapping, saved), 'E_SCHEMA_DRIFT')
  })
})

describe('keys', () => {
  it('of several columns and odd types join as their index compares, and are written as they were', async () => {
    const mapping = mappingOf(table('keyed', 'word part at note', { key: ['word', 'part', 'at'] }))
    await db.query(`
      DROP TABLE IF EXISTS keyed;
      CREATE TABLE keyed (word citext, part numeric, at timestamptz, note text, PRIMARY KEY (at, word, part));
      INSERT INTO keyed VALUES ('Ab', 1.0, '2026-01-01 00:00:00.000001+00', 'x'), ('c', 2, 'infinity', 'y')`)
    const saved = await saveAll(lane.connections, mapping)
    await db.query(`UPDATE keyed SET word = 'aB', part = 1.000 WHERE note = 'x'`)
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf(saved.entities[0]!)
      await target.stage(item)
      const { entities } = await target.reconcile([item])
      expect(entities[0]).toMatchObject({ create: 0, update: 1, identical: 1, extra: 0 })
      expect(entities[0]?.samples[0]?.key).toBe('["Ab","1.0","2026-01-01T00:00:00.000001+00"]')
      await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })
    })
    expect(await db.query(`SELECT word, part::text FROM keyed ORDER BY note`)).toEqual([
      { word: 'Ab', part: '1.0' },
      { word: 'c', part: '2' },
    ])
  })

  it('alone make a junction, whose rows are only ever created', async () => {
    const mapping = mappingOf(table('tagged', 'post tag', { key: ['post', 'tag'], kind: 'junction' }))
    await db.query(
      `DROP TABLE IF EXISTS tagged; CREATE TABLE tagged (post int, tag uuid, PRIMARY KEY (post, tag)); INSERT INTO tagged SELECT i, gen_random_uuid() FROM generate_series(1, 10) i`,
    )
    const before = await db.query('TABLE tagged ORDER BY 1')
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM tagged WHERE post > 4')
    const { merged } = await restoreAll(lane.connections, mapping, saved)
    expect(merged.entities).toMatchObject([{ entity: 'tagged', created: 6, updated: 0 }])
    expect(await db.query('TABLE tagged ORDER BY 1')).toEqual(before)
  })
})
