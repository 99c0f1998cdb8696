import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { copyErrorLocation, copyIn, copyProgram } from '../../adapters/sql/postgres/copy/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let client: pg.Client
const program = copyProgram(
  [
    { path: 'id', type: { kind: 'int' } },
    { path: 'twice', type: { kind: 'int' }, generation: 'computed' },
    { path: 'note', type: { kind: 'text' } },
  ],
  ['id'],
)
const SQL = 'COPY items (id, note) FROM STDIN'
const line = (id: number, note: string | null = `note ${id}`) => Buffer.from(`${JSON.stringify({ id, twice: id * 2, note })}\n`)

async function* lines(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}
async function* many(count: number, taken: { rows: number } = { rows: 0 }): AsyncGenerator<Uint8Array> {
  for (let id = 1; id <= count; id += 1000) {
    taken.rows = id
    yield Buffer.concat(Array.from({ length: 1000 }, (_, index) => line(id + index)))
  }
}

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.query(
    'DROP TABLE IF EXISTS items; CREATE TABLE items (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, note text CHECK (note <> $$bad$$), n bigint, tag text)',
  )
  client = new pg.Client(database.url)
  await client.connect()
})
afterEach(async () => {
  await client.end().catch(() => {})
})

const stored = () => database.query('SELECT * FROM items ORDER BY id')
const countStored = async () => (await database.query<{ n: number }>('SELECT count(*)::int AS n FROM items'))[0]!.n
async function failure(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('it did not fail')
}
async function usable(): Promise<boolean> {
  return (await client.query('SELECT 7 AS n')).rows[0].n === 7
}

describe('copyIn', () => {
  it('leaves computed columns out and takes lines cut anywhere', async () => {
    const all = Buffer.concat([line(1), line(2, null), line(3, 'a\tb\\')])
    expect(await copyIn(client, SQL, program, lines(all.subarray(0, 30), all.subarray(30, 31), Buffer.alloc(0), all.subarray(31)))).toEqual({
      rows: 3,
      sent: 3,
    })
    expect(await stored()).toMatchObject([
      { id: 1, twice: 2, note: 'note 1' },
      { id: 2, twice: 4, note: null },
      { id: 3, twice: 6, note: 'a\tb\\' },
    ])
  })

  it('takes no lines at all', async () => {
    expect(await copyIn(client, SQL, program, lines())).toEqual({ rows: 0, sent: 0 })
    expect(await usable()).toBe(true)
  })

  it('appends line numbers and constants', async () => {
    await copyIn(client, 'COPY items (id, n, tag) FROM STDIN', program, lines(line(5), line(6)), {
      send: ['id'],
      append: ['line-number', { constant: 'x\ny' }],
      firstLine: 9,
    })
    expect(await stored()).toMatchObject([
      { id: 5, note: null, n: '9', tag: 'x\ny' },
      { id: 6, note: null, n: '10', tag: 'x\ny' },
    ])
  })

  it('tells how far it is', async () => {
    const seen: number[] = []
    await copyIn(client, SQL, program, many(20_000), { onProgress: (rows) => seen.push(rows) })
    expect(seen.at(-1)).toBe(20_000)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.length).toBeGreaterThan(5)
  })

  it('counts what a trigger refuses', async () => {
    await database.query(
      `CREATE OR REPLACE FUNCTION odd() RETURNS trigger AS $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$ LANGUAGE plpgsql; CREATE TRIGGER odd BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION odd()`,
    )
    expect(await copyIn(client, SQL, program, many(10_000))).toEqual({ rows: 5000, sent: 10_000 })
  })

  it('takes no more lines than the server', async () => {
    await database.query(
      `CREATE OR REPLACE FUNCTION slow() RETURNS trigger AS $$ BEGIN IF NEW.id = 1 THEN PERFORM pg_sleep(1); END IF; RETURN NEW; END $$ LANGUAGE plpgsql; CREATE TRIGGER slow BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION slow()`,
    )
    const taken = { rows: 0 }
    const copied = copyIn(client, SQL, program, many(500_000, taken))
    await sleep(600)
    expect(taken.rows).toBeLessThan(400_000)
    expect(await copied).toEqual({ rows: 500_000, sent: 500_000 })
  })
})

describe('a copyIn that fails', () => {
  it('on a bad line tells line and field, rolls back and leaves the client usable', async () => {
    const error = await failure(copyIn(client, SQL, program, lines(line(1), line(2), Buffer.from('{"id":3,"twice":6,"note": "secret"}\n'))))
    expect(error).toMatchObject({ code: 'E_RECORD', details: { line: 3, field: 'note' } })
    expect(error.message).not.toContain('secret')
    expect(await usable()).toBe(true)
    expect(await stored()).toEqual([])
    expect(client.listenerCount('error')).toBe(0)
  })

  it('on a bad line far in rolls all back', async () => {
    async function* bad() {
      yield* many(100_000)
      yield Buffer.from('nonsense\n')
    }
    expect(await failure(copyIn(client, SQL, program, bad()))).toMatchObject({ code: 'E_RECORD', details: { line: 100_001, field: 'id' } })
    expect(await countStored()).toBe(0)
    expect(await usable()).toBe(true)
  })

  it('aborts the transaction around it, as any failed statement does', async () => {
    await client.query('BEGIN')
    await failure(copyIn(client, SQL, program, lines(Buffer.from('{}\n'))))
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' })
    await client.query('ROLLBACK')
    expect(await usable()).toBe(true)
  })

  it('because the server refuses a value tells row and column, and no value', async () => {
    await database.query('ALTER TABLE items DROP note; ALTER TABLE items ADD note date')
    const error = await failure(copyIn(client, SQL, program, lines(line(1, '2024-01-01'), line(2, 'secret: no date'))))
    expect(error).toMatchObject({ code: 'E_STORE_FAILED', details: { sqlState: '22007', line: 2, column: 'note' }, cause: { code: '22007' } })
    expect(copyErrorLocation(error)).toEqual({ line: 2, column: 'note' })
    expect(copyErrorLocation(error['cause'])).toEqual({ line: 2, column: 'note' })
    expect(error.message).not.toContain('secret')
    expect(await usable()).toBe(true)
  })

  it('because the server refuses a row tells the row', async () => {
    expect(copyErrorLocation(await failure(copyIn(client, SQL, program, lines(line(1), line(2), line(2)))))).toEqual({ line: 3 })
    expect(copyErrorLocation(await failure(copyIn(client, SQL, program, lines(line(1), line(2, 'bad')))))).toEqual({ line: 2 })
    expect(copyErrorLocation(new Error('other'))).toBeUndefined()
    expect(copyErrorLocation(await failure(copyIn(client, 'COPY nowhere FROM STDIN', program, lines(line(1)))))).toBeUndefined()
    expect(await usable()).toBe(true)
  })

  it('while many lines are still to come', async () => {
    async function* clash() {
      yield line(500)
      yield* many(300_000)
    }
    const taken = failure(copyIn(client, SQL, program, clash()))
    expect(await taken).toMatchObject({ code: 'E_STORE_FAILED', cause: { code: '23505' } })
    expect(await usable()).toBe(true)
  })

  it('because the lines fail throws what they threw', async () => {
    const cause = new Error('no more')
    async function* broken() {
      yield line(1)
      throw cause
    }
    expect(await failure(copyIn(client, SQL, program, broken()))).toBe(cause)
    expect(await countStored()).toBe(0)
    expect(await usable()).toBe(true)
  })

  it('because the backend was ended, also while it waits for lines', async () => {
    const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0]
    async function* hanging() {
      yield line(1)
      setTimeout(() => void database.query(`SELECT pg_terminate_backend(${pid})`), 50)
      await new Promise(() => {})
    }
    expect(await failure(copyIn(client, SQL, program, hanging()))).toMatchObject({ code: 'E_STORE_FAILED' })
  })

  it.each([
    ['a SELECT', 'SELECT 1'],
    ['a COPY TO', 'COPY items TO STDOUT'],
    ['nothing', ''],
  ])('because the statement is %s', async (_what, sql) => {
    await database.query('INSERT INTO items (id) VALUES (1)')
    expect(await failure(copyIn(client, sql, program, lines(line(1))))).toMatchObject({ code: 'E_STORE_FAILED' })
    expect(await usable()).toBe(true)
  })

  it('because a field to send is unknown', async () => {
    expect(await failure(copyIn(client, SQL, program, lines(), { send: ['nope'] }))).toMatchObject({ code: 'E_MAPPING' })
    expect(await usable()).toBe(true)
  })
})

describe('a copyIn that is aborted', () => {
  it('before it began sends nothing', async () => {
    expect(await failure(copyIn(client, SQL, program, lines(line(1)), { signal: AbortSignal.abort() }))).toMatchObject({ code: 'E_ABORTED' })
    expect(await usable()).toBe(true)
  })

  it('while it waits for lines rolls back and leaves the client usable', async () => {
    const abort = new AbortController()
    async function* hanging() {
      yield line(1)
      setTimeout(() => abort.abort(), 20)
      await new Promise(() => {})
    }
    expect(await failure(copyIn(client, SQL, program, hanging(), { signal: abort.signal }))).toMatchObject({ code: 'E_ABORTED' })
    expect(await usable()).toBe(true)
    expect(await countStored()).toBe(0)
  })

  it('while the server waits for a lock closes the socket', async () => {
    const other = new pg.Client(database.url)
    await other.connect()
    await other.query('BEGIN; LOCK TABLE items')
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 100)
    const start = performance.now()
    const error = await failure(copyIn(client, SQL, program, lines(line(1)), { signal: abort.signal }))
    expect(isHoldfastError(error, 'E_ABORTED')).toBe(true)
    expect(performance.now() - start).toBeLessThan(2000)
    await other.query('ROLLBACK')
    await other.end()
  })
})
