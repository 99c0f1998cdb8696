import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyIn, copyOut, copyProgram } from '../../adapters/sql/postgres/copy/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { expectedLine } from './postgres-transcoder-oracle.ts'
import { COLUMNS, row } from './postgres-transcoder-values.ts'

let database: TestDatabase
let client: pg.Client

const fields = [
  { path: 'id', column: 'id', type: { kind: 'int' } as const },
  ...COLUMNS,
  { path: 'computed', column: 'computed', type: { kind: 'int' } as const, generation: 'computed' as const },
]
const program = copyProgram(fields, ['id'])
const names = fields.map(({ column }) => column).join(', ')
const written = fields.filter((field) => !('generation' in field)).map(({ column }) => column)
const TABLE = `(id int PRIMARY KEY, ${COLUMNS.map(({ column, sql }) => `${column} ${sql}`).join(', ')}, computed int GENERATED ALWAYS AS (id * 2) STORED)`

beforeAll(async () => {
  database = await createTestDatabase()
  client = new pg.Client(database.url)
  await client.connect()
  await client.query(`
    CREATE TYPE transcoder_status AS ENUM ('new', 'on hold', 'a"b\\c', '{x,y}');
    CREATE TYPE transcoder_pair AS (a int, b text);
    CREATE TABLE source ${TABLE};
    CREATE TABLE twin ${TABLE};
    SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'`)
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

async function fill(rows: readonly (readonly (string | null)[])[]): Promise<void> {
  const columns = COLUMNS.map((_, index) => rows.map((values) => values[index] ?? null))
  await client.query('TRUNCATE source, twin')
  await client.query(
    `INSERT INTO source (${written.join(', ')})
     SELECT n, ${COLUMNS.map(({ column, sql }) => `${column}::${sql}`).join(', ')}
     FROM unnest(${columns.map((_, index) => `$${index + 1}::text[]`).join(', ')}) WITH ORDINALITY AS v(${COLUMNS.map(({ column }) => column).join(', ')}, n)`,
    columns,
  )
}

async function exported(batchBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const { bytes } of copyOut(client, `COPY (SELECT ${names} FROM source ORDER BY id) TO STDOUT`, program, { batchBytes })) parts.push(bytes)
  return Buffer.concat(parts).toString()
}

/** The output function's own text of each value; a cast to text differs for inet and char(n). */
async function asText(): Promise<(string | null)[][]> {
  const types = { getTypeParser: () => (text: string | Buffer) => text.toString() }
  const { rows } = await client.query({ text: `SELECT ${names} FROM source ORDER BY id`, rowMode: 'array', types })
  return rows
}

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function differences(): Promise<number> {
  const { rows } = await client.query(`
    SELECT count(*)::int AS n FROM (SELECT s::text, md5(s::text) FROM source s EXCEPT ALL SELECT t::text, md5(t::text) FROM twin t) d`)
  const { rows: counts } = await client.query('SELECT (SELECT count(*) FROM source) = (SELECT count(*) FROM twin) AS same')
  return counts[0].same ? rows[0].n : Number.POSITIVE_INFINITY
}

describe('COPY text to record lines and back, through PostgreSQL', () => {
  it('case 34: writes what the oracle says and restores the same rows, for 10 000 generated rows', async () => {
    let rowsSeen = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 125, maxLength: 150, size: 'max' }),
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 1, max: 50_000 }),
        async (rows, batchBytes, pieceBytes) => {
          await fill(rows)
          const lines = await exported(batchBytes)
          const texts = await asText()
          const expected = texts.map((values) => expectedLine(fields, values)).join('')
          const wanted = expected.split('\n')
          const wrong = lines.split('\n').findIndex((line, index) => line !== wanted[index])
          if (wrong >= 0) expect(lines.split('\n')[wrong]).toBe(wanted[wrong])
          expect(lines.length).toBe(expected.length)
          for (const line of lines.split('\n').slice(0, -1)) JSON.parse(line)
          const result = await copyIn(client, `COPY twin (${written.join(', ')}) FROM STDIN`, program, pieces(lines, pieceBytes))
          expect(result).toEqual({ rows: rows.length, sent: rows.length })
          expect(await differences()).toBe(0)
          rowsSeen += rows.length
        },
      ),
      { numRuns: 80 },
    )
    expect(rowsSeen).toBeGreaterThanOrEqual(10_000)
  }, 600_000)

  it('keeps rows of 16 MiB', async () => {
    const long = 'a"\\\t\u0001é'.repeat(2 ** 21)
    await client.query('TRUNCATE source, twin')
    await client.query(
      `INSERT INTO source (id, note, raw_doc, doc, blob, texts) VALUES
       (1, $1, NULL, NULL, NULL, NULL), (2, 'short', NULL, NULL, NULL, NULL), (3, NULL, to_json($1::text), NULL, NULL, NULL),
       (4, NULL, NULL, to_jsonb($1::text), NULL, NULL), (5, NULL, NULL, NULL, decode(repeat('00ff10', 5000000), 'hex'), NULL), (6, NULL, NULL, NULL, NULL, ARRAY[$2, 'x', $2])`,
      [long, long.slice(0, 2 ** 21)],
    )
    const lines = await exported(1024 * 1024)
    const expected = (await asText()).map((values) => expectedLine(fields, values)).join('')
    expect(lines === expected).toBe(true)
    await copyIn(client, `COPY twin (${written.join(', ')}) FROM STDIN`, program, pieces(lines, 100_000))
    expect(await differences()).toBe(0)
  }, 300_000)

  it('tells JSON null from SQL NULL, and an empty string from NULL', async () => {
    await client.query('TRUNCATE source, twin')
    await client.query(
      `INSERT INTO source (id, doc, note, docs, texts, ints) VALUES (1, 'null', '', ARRAY['null'::jsonb, NULL], ARRAY['', NULL, 'NULL', 'null'], '{}'), (2, NULL, NULL, NULL, NULL, NULL)`,
    )
    const records = (await exported(1024))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records[0]).toMatchObject({ doc: [null], note: '', docs: [[null], null], texts: ['', null, 'NULL', 'null'], ints: [] })
    expect(records[1]).toMatchObject({ doc: null, note: null, docs: null, texts: null, ints: null })
  })
})
