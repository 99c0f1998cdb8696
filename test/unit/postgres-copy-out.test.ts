import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CopyOut, copyOut, copyProgram } from '../../adapters/sql/postgres/copy/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let client: pg.Client
const program = copyProgram(
  [
    { path: 'id', type: { kind: 'int' } },
    { path: 'note', type: { kind: 'text' } },
  ],
  ['id'],
)
const rowsOf = (count: number, note = `repeat('x', 100)`) => `COPY (SELECT i, ${note} FROM generate_series(1, ${count}) i) TO STDOUT`

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  client = new pg.Client(database.url)
  await client.connect()
})
afterEach(async () => {
  await client.end().catch(() => {})
})

interface Socket {
  readonly bytesRead: number
}
const socketOf = (of: pg.Client) => (of as unknown as { connection: { stream: Socket } }).connection.stream

async function count(copy: CopyOut): Promise<number> {
  let rows = 0
  for await (const batch of copy) rows += batch.rows
  return rows
}

async function usable(): Promise<boolean> {
  return (await client.query('SELECT 7 AS n')).rows[0].n === 7
}

describe('copyOut', () => {
  it('yields every row and leaves the client in its transaction', async () => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    const before = (await client.query('SELECT pg_current_snapshot()::text AS s, pg_backend_pid() AS p')).rows
    const copy = copyOut(client, rowsOf(50_000), program)
    expect(copy.connection).toBe('busy')
    expect(await count(copy)).toBe(50_000)
    expect(copy.connection).toBe('ready')
    expect((await client.query('SELECT pg_current_snapshot()::text AS s, pg_backend_pid() AS p')).rows).toEqual(before)
    expect(client.listenerCount('error')).toBe(0)
  })

  it('yields nothing for no rows', async () => {
    expect(await count(copyOut(client, rowsOf(0), program))).toBe(0)
    expect(await usable()).toBe(true)
  })

  it('hands batches over when they are full', async () => {
    const sizes: number[] = []
    for await (const { bytes, marks, rows, stride } of copyOut(client, rowsOf(20_000), program, { batchBytes: 100_000 })) {
      expect(marks[(rows - 1) * stride]).toBe(bytes.length)
      sizes.push(bytes.length)
    }
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(100_000)
    for (const size of sizes) expect(size).toBeLessThan(100_000 + 200)
  })

  it('is one of a queue of queries', async () => {
    const first = client.query('SELECT pg_sleep(0.1)')
    const copied = count(copyOut(client, rowsOf(1000), program))
    const last = client.query('SELECT 1 AS n')
    await first
    expect(await copied).toBe(1000)
    expect((await last).rows).toEqual([{ n: 1 }])
  })

  it('stops the server when nobody takes the batches', async () => {
    const copy = copyOut(client, rowsOf(1_000_000), program)[Symbol.asyncIterator]()
    await copy.next()
    await sleep(300)
    const then = socketOf(client).bytesRead
    await sleep(300)
    expect(socketOf(client).bytesRead).toBe(then)
    expect(then).toBeLessThan(6 * 1024 * 1024)
    let rows = 0
    for (let next = await copy.next(); !next.done; next = await copy.next()) rows += next.value.rows
    expect(rows).toBeGreaterThan(900_000)
    expect(await usable()).toBe(true)
  })

  it('passes notices on to the client', async () => {
    await client.query(
      `CREATE FUNCTION pg_temp.loud(i int) RETURNS text AS $$ BEGIN IF i % 1000 = 0 THEN RAISE NOTICE 'at %', i; END IF; RETURN 'x'; END $$ LANGUAGE plpgsql`,
    )
    const notices: (string | undefined)[] = []
    client.on('notice', ({ message }) => notices.push(message))
    expect(await count(copyOut(client, rowsOf(5000, 'pg_temp.loud(i)'), program))).toBe(5000)
    expect(notices).toEqual(['at 1000', 'at 2000', 'at 3000', 'at 4000', 'at 5000'])
  })

  it('can be iterated once', async () => {
    const copy = copyOut(client, rowsOf(1), program)
    await count(copy)
    await expect(count(copy)).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    expect(await usable()).toBe(true)
  })
})

describe('a copyOut that is left early', () => {
  it('reads a short rest, so that the transaction goes on', async () => {
    await client.query('BEGIN')
    const copy = copyOut(client, rowsOf(50_000), program)
    for await (const batch of copy) {
      expect(batch.rows).toBeGreaterThan(0)
      break
    }
    expect(copy.connection).toBe('ready')
    expect((await client.query('SELECT txid_current_if_assigned() IS NULL AS open')).rows).toEqual([{ open: true }])
  })

  it('closes the socket rather than read a long rest', async () => {
    const copy = copyOut(client, rowsOf(1_000_000), program)
    for await (const batch of copy) if (batch.rows > 0) break
    expect(copy.connection).toBe('destroyed')
    await expect(client.query('SELECT 1')).rejects.toThrow()
  })

  it('closes the socket rather than wait for a slow rest', async () => {
    const copy = copyOut(client, rowsOf(20_000, `CASE WHEN i = 15000 THEN pg_sleep(30)::text ELSE repeat('x', 100) END`), program)
    const start = performance.now()
    for await (const batch of copy) if (batch.rows > 0) break
    expect(copy.connection).toBe('destroyed')
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

describe('a copyOut that is aborted', () => {
  it('before it began sends nothing', async () => {
    const copy = copyOut(client, rowsOf(10), program, { signal: AbortSignal.abort() })
    await expect(count(copy)).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(copy.connection).toBe('ready')
    expect(await usable()).toBe(true)
  })

  it('behind other queries sends nothing', async () => {
    const abort = new AbortController()
    const first = client.query('SELECT pg_sleep(0.2)')
    const copy = copyOut(client, rowsOf(10), program, { signal: abort.signal })
    const copied = count(copy)
    copied.catch(() => {})
    await sleep(20)
    abort.abort()
    await expect(copied).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(copy.connection).toBe('ready')
    await first
    expect(await usable()).toBe(true)
    expect(client.listenerCount('error')).toBe(0)
  })

  it('while the server works closes the socket at once', async () => {
    const abort = new AbortController()
    const copy = copyOut(client, rowsOf(1, 'pg_sleep(30)::text'), program, { signal: abort.signal })
    setTimeout(() => abort.abort(), 50)
    const start = performance.now()
    await expect(count(copy)).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(performance.now() - start).toBeLessThan(2000)
    expect(copy.connection).toBe('destroyed')
  })

  it('between batches closes the socket', async () => {
    const abort = new AbortController()
    const copy = copyOut(client, rowsOf(1_000_000), program, { signal: abort.signal })
    const taken = (async () => {
      for await (const batch of copy) if (batch.rows > 0) abort.abort()
    })()
    await expect(taken).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(copy.connection).toBe('destroyed')
  })
})

describe('a copyOut that fails', () => {
  it.each([
    ['at once', 'COPY nowhere TO STDOUT', '42P01'],
    ['in the middle', rowsOf(100_000, `(1 / (90000 - i))::text`), '22012'],
  ])('%s tells the error of the server and leaves the client usable', async (_when, sql, code) => {
    const copy = copyOut(client, sql, program)
    await expect(count(copy)).rejects.toMatchObject({ code: 'E_STORE_FAILED', details: { sqlState: code }, cause: { code } })
    expect(copy.connection).toBe('ready')
    expect(await usable()).toBe(true)
    expect(client.listenerCount('error')).toBe(0)
  })

  it('because the backend was ended says so', async () => {
    const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0]
    const copy = copyOut(client, rowsOf(1_000_000), program)
    const taken = (async () => {
      let first = true
      for await (const batch of copy) if (first && batch.rows > 0) first = (await database.query(`SELECT pg_terminate_backend(${pid})`)).length === 0
    })()
    await expect(taken).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    expect(copy.connection).toBe('destroyed')
  })

  it('because the socket broke says so', async () => {
    const copy = copyOut(client, rowsOf(1_000_000), program)
    const taken = (async () => {
      for await (const batch of copy)
        if (batch.rows > 0) (client as unknown as { connection: { stream: net.Socket } }).connection.stream.destroy(new Error('cable'))
    })()
    await expect(taken).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    expect(copy.connection).toBe('destroyed')
  })

  it.each([
    ['a SELECT', 'SELECT 1, 2'],
    ['nothing', ''],
    ['a COPY FROM', 'COPY taken FROM STDIN'],
    ['an UPDATE', 'UPDATE taken SET id = 1'],
  ])('because the statement is %s leaves the client usable', async (_what, sql) => {
    await client.query('CREATE TEMP TABLE taken (id int)')
    const copy = copyOut(client, sql, program)
    await expect(count(copy)).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    expect(copy.connection).toBe('ready')
    expect(await usable()).toBe(true)
  })

  it.each([
    ['has other columns', 'COPY (SELECT 1) TO STDOUT'],
    ['is binary', 'COPY (SELECT 1, 2) TO STDOUT (FORMAT binary)'],
  ])('because the copy %s', async (_what, sql) => {
    await expect(count(copyOut(client, sql, program))).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
  })

  it('because a query_timeout passed closes the socket', async () => {
    const hasty = new pg.Client({ connectionString: database.url, query_timeout: 200 })
    await hasty.connect()
    const copy = copyOut(hasty, rowsOf(1, 'pg_sleep(30)::text'), program)
    await expect(count(copy)).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    expect(copy.connection).toBe('destroyed')
  })

  it('does not, when a query_timeout is long enough', async () => {
    const patient = new pg.Client({ connectionString: database.url, query_timeout: 60_000 })
    await patient.connect()
    expect(await count(copyOut(patient, rowsOf(1000), program))).toBe(1000)
    await patient.end()
  })
})

/** A server that speaks TLS (with a pre-shared key, so that no certificate is needed) in front of the real one. */
async function tlsInFront(target: URL): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.once('data', () => {
      socket.write('S')
      const secure = new tls.TLSSocket(socket, {
        isServer: true,
        ciphers: 'PSK',
        maxVersion: 'TLSv1.2',
        pskCallback: () => Buffer.alloc(16, 7),
      } as tls.TLSSocketOptions)
      const upstream = net.connect(Number(target.port || 5432), target.hostname)
      secure.pipe(upstream).pipe(secure)
      for (const end of [secure, upstream]) end.on('error', () => upstream.destroy())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

describe('other sockets', () => {
  it('works over TLS', async () => {
    const server = await tlsInFront(new URL(database.url))
    const url = new URL(database.url)
    url.host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`
    const ssl = {
      ciphers: 'PSK',
      maxVersion: 'TLSv1.2',
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: Buffer.alloc(16, 7), identity: 'test' }),
    }
    const secure = new pg.Client({ connectionString: url.href, ssl: ssl as tls.ConnectionOptions })
    await secure.connect()
    const start = performance.now()
    expect(await count(copyOut(secure, rowsOf(300_000), program))).toBe(300_000)
    // TLS gives 16 KiB at a time at most; resting after each would take several seconds for 38 MB.
    expect(performance.now() - start).toBeLessThan(20_000)
    expect((await secure.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    await secure.end()
    server.close()
  })

  it('works with a client of a pool, again and again', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    for (let round = 0; round < 3; round++) {
      const pooled = await pool.connect()
      expect(await count(copyOut(pooled, rowsOf(10_000), program))).toBe(10_000)
      pooled.release()
    }
    await pool.end()
  })
})
