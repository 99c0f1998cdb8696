import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { poolConnections, type PostgresConnections } from '../../adapters/sql/postgres/connections.ts'
import { openLanes } from '../../adapters/sql/postgres/open-lanes.ts'
import { queryText } from '../../adapters/sql/postgres/query.ts'
import { pinSettings } from '../../adapters/sql/postgres/session-settings.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { EVERYTHING, inView, mappingOf, openView, readLines, remember, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase, postgresUrl, type TestDatabase } from '../support/postgres.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url, 6)
  await db.query(`CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders SELECT i, 'v' || i FROM generate_series(1, 1000) i`)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

const orders = mappingOf(table('orders', 'id v'))

/** Counts what is lent, and the most at once. */
function counted(connections: PostgresConnections): PostgresConnections & { most: number; lent: number } {
  const counter = {
    max: connections.max,
    most: 0,
    lent: 0,
    async acquire(options?: { signal?: AbortSignal | undefined }) {
      const connection = await connections.acquire(options)
      counter.most = Math.max(counter.most, ++counter.lent)
      return {
        client: connection.client,
        release(destroy?: boolean) {
          counter.lent--
          connection.release(destroy)
        },
      }
    },
  }
  return counter
}

const waitUntil = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 400) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Whether some backend of this database waits for a lock with a query like this. */
const isWaiting = (like: string) => async () =>
  (
    await db.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%${like}%' AND pid <> pg_backend_pid()`,
    )
  ).length > 0

async function withClient<T>(work: (client: pg.Client) => Promise<T>, url = db.url): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

describe('the snapshot', () => {
  it('is one for all entities and all connections, whatever is written meanwhile', async () => {
    await db.query(`CREATE TABLE lines (id int PRIMARY KEY, order_id int REFERENCES orders); INSERT INTO lines SELECT i, i FROM generate_series(1, 1000) i`)
    const mapping = mappingOf(table('orders', 'id v'), table('lines', 'id order_id'))
    await inView(
      lane.connections,
      mapping,
      async (view) => {
        expect(view.parallel).toBe(3)
        await db.query(`DELETE FROM lines WHERE id > 900; UPDATE orders SET v = 'after'; INSERT INTO orders VALUES (5000, 'after')`)
        const reads = await Promise.all(Array.from({ length: 6 }, (_, i) => readLines(view, i % 2 === 0 ? 'orders' : 'lines')))
        for (const lines of reads) expect(lines).toHaveLength(1000)
        expect(reads[0]!.some((line) => line.includes('after'))).toBe(false)
        expect(reads[0]![0]).toBe('{"id":1,"v":"v1"}')
      },
      { parallel: 3 },
    )
    await db.query(`DROP TABLE lines; DELETE FROM orders WHERE id = 5000; UPDATE orders SET v = 'v' || id`)
  })

  it('is shared by connections that come later', async () => {
    const connections = counted(lane.connections)
    const acquire = connections.acquire.bind(connections)
    connections.acquire = async (options) => {
      if (connections.lent === 1) await db.query(`INSERT INTO orders VALUES (6000, 'between')`)
      return acquire(options)
    }
    const view = await openView(connections, orders, { parallel: 1 })
    expect(connections.lent).toBe(2)
    expect(await readLines(view, 'orders')).toHaveLength(1000)
    await view.close()
    await db.query('DELETE FROM orders WHERE id = 6000')
  })

  it('says who the database is, and when and how it was seen', async () => {
    await inView(lane.connections, orders, async (view) => {
      const [{ now, id }] = (await db.query<{ now: Date; id: string }>(`SELECT now(), system_identifier::text AS id FROM pg_control_system()`)) as [
        { now: Date; id: string },
      ]
      expect(view.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      expect(Math.abs(Date.parse(view.at) - now.getTime())).toBeLessThan(10_000)
      expect(view.source).toMatchObject({ dialect: 'postgres', database: db.name, systemId: id })
      expect(view.consistency).toMatchObject({ level: 'snapshot', method: 'repeatable-read', point: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/) })
    })
  })

  it('case 32: is taken after the locks: a TRUNCATE in flight is waited for, and never seen as an empty table', async () => {
    await db.query('CREATE TABLE busy (id int PRIMARY KEY); INSERT INTO busy SELECT generate_series(1, 10)')
    const mapping = mappingOf(table('busy', 'id'))
    await withClient(async (other) => {
      await other.query('BEGIN; TRUNCATE busy; INSERT INTO busy VALUES (77)')
      const opening = openView(lane.connections, mapping)
      await waitUntil(isWaiting('LOCK TABLE'))
      await other.query('COMMIT')
      const view = await opening
      expect(await readLines(view, 'busy')).toEqual(['{"id":77}'])
      // And the other way round: while the view is open, TRUNCATE waits.
      const truncating = other.query('TRUNCATE busy')
      await waitUntil(isWaiting('TRUNCATE'))
      expect(await readLines(view, 'busy')).toEqual(['{"id":77}'])
      await view.close()
      await truncating
    })
  })

  it('takes no worker that would queue behind an ALTER waiting for the view', async () => {
    const slow = counted(lane.connections)
    const acquire = slow.acquire.bind(slow)
    let altering: Promise<unknown> | undefined
    await withClient(async (other) => {
      slow.acquire = async (options) => {
        if (slow.lent === 1 && !altering) {
          altering = other.query('ALTER TABLE orders ADD COLUMN extra int')
          await waitUntil(isWaiting('ALTER TABLE'))
        }
        return acquire(options)
      }
      const view = await openView(slow, orders, { parallel: 2 })
      expect(view.parallel).toBe(1)
      expect(await readLines(view, 'orders')).toHaveLength(1000)
      await view.close()
      await altering
      expect(slow.lent).toBe(0)
    })
    await db.query('ALTER TABLE orders DROP COLUMN extra')
  })

  it('gives up on a lock with a typed error, and leaves nothing behind', async () => {
    await withClient(async (other) => {
      await other.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
      const connections = counted(lane.connections)
      await expect(openView(connections, orders, { lockTimeoutMs: 100 })).rejects.toMatchObject({
        code: 'E_STORE_FAILED',
        hint: expect.stringContaining('pg_locks'),
        details: { sqlState: '55P03' },
      })
      expect(connections.lent).toBe(0)
      await other.query('ROLLBACK')
    })
  })

  it('stops waiting for a lock when aborted', async () => {
    await withClient(async (other) => {
      await other.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
      const abort = new AbortController()
      const connections = counted(lane.connections)
      const opening = openView(connections, orders, { signal: abort.signal })
      await waitUntil(isWaiting('LOCK TABLE'))
      abort.abort()
      await expect(opening).rejects.toMatchObject({ code: 'E_ABORTED' })
      expect(connections.lent).toBe(0)
      await other.query('ROLLBACK')
    })
  })
})

describe('connections', () => {
  it.each([
    { max: 1, parallel: 4, took: 1, got: 1 },
    { max: 2, parallel: 4, took: 1, got: 1 },
    { max: 3, parallel: 4, took: 2, got: 1 },
    { max: 4, parallel: 4, took: 3, got: 2 },
    { max: 10, parallel: 4, took: 5, got: 4 },
    { max: 10, parallel: 1, took: 2, got: 1 },
  ])('of a pool of $max, asked for $parallel reads, are $took', async ({ max, parallel, took, got }) => {
    const { pool, connections } = testPool(db.url, max)
    const counter = counted(connections)
    const view = await openView(counter, orders, { parallel })
    expect([counter.lent, view.parallel]).toEqual([took, got])
    const whole = await Promise.all(Array.from({ length: 5 }, () => readLines(view, 'orders')))
    expect(whole.every((lines) => lines.length === 1000)).toBe(true)
    expect(counter.most).toBe(took)
    await view.close()
    await view.close()
    expect(counter.lent).toBe(0)
    await pool.end()
  })

  it('go back with no setting of the session changed', async () => {
    const { pool, connections } = testPool(db.url, 1)
    const settings = async () => (await pool.query<{ name: string; setting: string }>("SELECT name, setting FROM pg_settings WHERE context = 'user'")).rows
    await pool.query(`SET search_path = public; SET TimeZone = 'Asia/Kathmandu'; SET statement_timeout = 12345`)
    const before = await settings()
    await inView(connections, orders, (view) => readLines(view, 'orders'))
    expect(await settings()).toEqual(before)
    await pool.end()
  })

  it('give the same lines whatever the session and the parsers of the application are set to', async () => {
    await db.query(`CREATE TABLE settled (id int PRIMARY KEY, at timestamptz, day date, every interval, f float8, b bytea, m money);
      INSERT INTO settled VALUES (1, '2024-03-31 01:30:00.123456+00', '2024-02-29', '1 mon 2 days 03:04:05.6', 0.1::float8 + 0.2, '\\xdeadbeef', 1234.5)`)
    const mapping = mappingOf(table('settled', 'id at day every f b m'))
    const plain = await inView(lane.connections, mapping, (view) => readLines(view, 'settled'))
    expect(plain).toEqual([
      '{"id":1,"at":"2024-03-31T01:30:00.123456+00","day":"2024-02-29","every":"1 mon 2 days 03:04:05.6","f":0.30000000000000004,"b":"3q2+7w==","m":"$1,234.50"}',
    ])
    const pool = new pg.Pool({
      connectionString: db.url,
      max: 2,
      types: { getTypeParser: () => () => 'mangled' },
      query_timeout: 30_000,
      options: `-c DateStyle=German,DMY -c TimeZone=Asia/Kathmandu -c IntervalStyle=iso_8601 -c extra_float_digits=-5 -c bytea_output=escape`,
    })
    expect(await inView(poolConnections(pool), mapping, (view) => readLines(view, 'settled'))).toEqual(plain)
    await pool.end()
  })

  it('survive reads that are ended early', async () => {
    await db.query(`CREATE TABLE wide (id int PRIMARY KEY, v text); INSERT INTO wide SELECT i, repeat('x', 4000) FROM generate_series(1, 12000) i`)
    const connections = counted(lane.connections)
    const view = await openView(connections, mappingOf(table('wide', 'id v')), { parallel: 2 })
    for (let round = 0; round < 4; round++) {
      for await (const batch of view.read('wide', EVERYTHING)) {
        expect(batch.rows).toBeGreaterThan(0)
        break
      }
    }
    const abort = new AbortController()
    await expect(async () => {
      for await (const _ of view.read('wide', EVERYTHING, { signal: abort.signal })) abort.abort()
    }).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect((await remember(view, 'wide')).rows).toBe(12000)
    expect((await view.estimate('wide')).rows).toBe(12000)
    await view.close()
    expect(connections.lent).toBe(0)
  })

  it('that are lost end a read with a typed error; without the keeper the view is over', async () => {
    const view = await openView(lane.connections, orders, { parallel: 1 })
    await db.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)
    await expect(view.estimate('orders')).rejects.toSatisfy((error) => isHoldfastError(error, 'E_STORE_FAILED'))
    await expect(readLines(view, 'orders')).rejects.toSatisfy((error) => isHoldfastError(error, 'E_STORE_FAILED'))
    await view.close()
    expect(await inView(lane.connections, orders, (again) => readLines(again, 'orders'))).toHaveLength(1000)
  })

  it('are not asked for when the call is aborted already, and waiting for one can be', async () => {
    const connections = counted(lane.connections)
    await expect(openView(connections, orders, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
    const { pool, connections: single } = testPool(db.url, 1)
    const held = await single.acquire()
    const waiting = openView(single, orders, { signal: AbortSignal.timeout(50) })
    await expect(waiting).rejects.toMatchObject({ code: 'E_ABORTED' })
    held.release()
    expect(await inView(single, orders, (view) => readLines(view, 'orders'))).toHaveLength(1000)
    await pool.end()
  })

  it('are free again soon after a long query on them was aborted', async () => {
    const { lanes } = await openLanes({ store: 'test', mapping: orders, selection: [{ entity: 'orders' }], connections: lane.connections, parallel: 1 })
    const abort = new AbortController()
    const sleeping = lanes.run((client) => queryText(client, 'sleeping', 'SELECT pg_sleep(50)'), { signal: abort.signal })
    await waitUntil(async () => (await db.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`)).length > 0)
    abort.abort()
    await expect(sleeping).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(await lanes.run((client) => queryText(client, 'counting', 'SELECT count(*) AS n FROM public.orders'))).toEqual([{ n: '1000' }])
    await lanes.close()
  })

  it('behind a pooler are one: its server connections may be fewer than the pool', async () => {
    const disguised: PostgresConnections = {
      max: 10,
      async acquire(options) {
        const { client, release } = await lane.connections.acquire(options)
        const pooled = { processID: 1, query: client.query.bind(client), on: client.on.bind(client), removeListener: client.removeListener.bind(client) }
        return { client: pooled, release }
      },
    }
    await inView(
      disguised,
      orders,
      async (view) => {
        expect(view.parallel).toBe(1)
        expect(await readLines(view, 'orders')).toHaveLength(1000)
      },
      { parallel: 4 },
    )
  })
})

describe('hidden rows and missing rights', () => {
  let role: string
  let url: string

  beforeAll(async () => {
    role = `${db.name}_reader`
    await db.query(`CREATE ROLE ${role} LOGIN; CREATE TABLE secret (id serial PRIMARY KEY, owner text); INSERT INTO secret (owner) VALUES ('a'), ('b');
      GRANT SELECT ON secret TO ${role}; ALTER TABLE secret ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON secret USING (owner = 'a')`)
    const asRole = new URL(db.url)
    asRole.username = role
    url = asRole.href
  })
  afterAll(async () => {
    await db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })

  const secret = mappingOf(table('secret', 'id owner'))
  const asReader = async <T>(work: (connections: PostgresConnections) => Promise<T>): Promise<T> => {
    const { pool, connections } = testPool(url, 2)
    try {
      return await work(connections)
    } finally {
      await pool.end()
    }
  }

  it('refuses tables of which a policy would hide rows', async () => {
    await expect(asReader((connections) => openView(connections, secret))).rejects.toMatchObject({
      code: 'E_HIDDEN_ROWS',
      details: { tables: ['public.secret'] },
    })
    expect(await inView(lane.connections, secret, (view) => readLines(view, 'secret'))).toHaveLength(2)
  })

  it('lets the server refuse too: the pinned setting errors instead of hiding', async () => {
    await withClient(async (client) => {
      expect((await client.query('SELECT * FROM secret')).rows).toHaveLength(1)
      await queryText(client, 'beginning', `BEGIN; ${pinSettings({ version: 150000 })}`)
      await expect(queryText(client, 'reading', 'SELECT * FROM public.secret')).rejects.toMatchObject({ code: 'E_HIDDEN_ROWS' })
    }, url)
  })

  it('names what may not be read', async () => {
    await expect(asReader((connections) => openView(connections, orders))).rejects.toMatchObject({
      code: 'E_PERMISSION',
      message: expect.stringContaining('orders'),
    })
    await db.query(`ALTER TABLE secret DISABLE ROW LEVEL SECURITY`)
    await asReader((connections) =>
      inView(connections, secret, async (view) => {
        await expect(view.sequences()).rejects.toMatchObject({ code: 'E_PERMISSION', details: { sequences: ['public.secret_id_seq'] } })
        // The failure spoils nothing of the view.
        expect(await readLines(view, 'secret')).toHaveLength(2)
      }),
    )
  })
})

describe('beside the rows', () => {
  it('reads the state of every sequence that feeds a field', async () => {
    await db.query(`CREATE SEQUENCE shared START 50; CREATE TABLE fed (id serial PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY, s int DEFAULT nextval('shared'), unused int GENERATED BY DEFAULT AS IDENTITY, plain int DEFAULT 4);
      INSERT INTO fed (unused) SELECT 7 FROM generate_series(1, 3); SELECT setval('fed_id_seq', 9007199254740993::bigint / 9007199254740993 * 2000000000)`)
    const mapping = mappingOf(table('fed', 'id n s unused plain'))
    await inView(lane.connections, mapping, async (view) => {
      expect(await view.sequences()).toEqual([
        { entity: 'fed', field: 'id', lastValue: '2000000000' },
        { entity: 'fed', field: 'n', lastValue: '3' },
        { entity: 'fed', field: 's', lastValue: '52' },
        { entity: 'fed', field: 'unused', lastValue: null },
      ])
    })
  })

  it('estimates without ever saying less than nothing', async () => {
    await db.query(`CREATE TABLE hollow (id int PRIMARY KEY); CREATE TABLE large (id int PRIMARY KEY, v text); INSERT INTO large SELECT i, repeat('y', 1500) FROM generate_series(1, 20000) i;
      CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY HASH (id); CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO parted SELECT generate_series(1, 500)`)
    const mapping = mappingOf(table('orders', 'id v'), table('hollow', 'id'), table('large', 'id v'), table('parted', 'id'))
    await inView(lane.connections, mapping, async (view) => {
      expect(await view.estimate('orders')).toMatchObject({ entity: 'orders', rows: 1000 })
      expect(await view.estimate('hollow')).toEqual({ entity: 'hollow', rows: 0, bytes: 0 })
      expect(await view.estimate('parted')).toMatchObject({ rows: 500 })
      const never = await view.estimate('large')
      expect(never.rows).toBeGreaterThan(15_000)
      expect(never.rows).toBeLessThan(25_000)
      expect(never.bytes).toBeGreaterThan(20_000 * 1500)
    })
    await db.query('ANALYZE large')
    await inView(lane.connections, mapping, async (view) => expect((await view.estimate('large')).rows).toBe(20_000))
  })

  it('reads the names of applied migrations, and none where there is no such table', async () => {
    await db.query(
      `CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint, name text); INSERT INTO migrations (timestamp, name) VALUES (1, 'Init1'), (2, 'More2')`,
    )
    await inView(lane.connections, orders, async (view) => expect(view.migrations).toEqual(['Init1', 'More2']), { migrations: { table: 'migrations' } })
    await inView(lane.connections, orders, async (view) => expect(view.migrations).toEqual([]), { migrations: { table: 'mikro_orm_migrations' } })
    await inView(lane.connections, orders, async (view) => expect(view.migrations).toEqual([]))
  })

  it('refuses servers that only speak the protocol', async () => {
    for (const version of [
      'CockroachDB CCL v24.1',
      'PostgreSQL 11.2-YB-2.18.0.0-b0 on x86_64',
      'PostgreSQL 8.0.2 on i686, compiled by GCC, Redshift 1.0.12103',
    ]) {
      const posing: PostgresConnections = {
        max: 10,
        acquire: async () => ({
          client: { query: async () => ({ rows: [{ version }], rowCount: 1 }), on: () => {}, removeListener: () => {} },
          release: () => {},
        }),
      }
      await expect(openView(posing, orders)).rejects.toMatchObject({ code: 'E_DIALECT' })
    }
    expect(postgresUrl()).toBeTruthy()
  })
})
