import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RestoreItem } from '../../src/contracts/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestRole } from '../support/postgres-role.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll, type SavedStore } from '../support/postgres-restore.ts'

const ROWS = 20_000

/** Locks in this database only: other test files have theirs. */
const LOCKS = '(SELECT * FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())) l'
const mapping = mappingOf(table('customer', 'id name'), table('purchase', 'id customer_id note'))

let db: TestDatabase
let lane: ReturnType<typeof testPool>
let saved: SavedStore
let before: unknown

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

beforeEach(async () => {
  await db.query(`
    DROP TABLE IF EXISTS purchase, customer;
    CREATE TABLE customer (id int PRIMARY KEY, name text);
    CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
    INSERT INTO customer SELECT i, 'c' || i FROM generate_series(1, 100) i;
    INSERT INTO purchase (customer_id, note) SELECT i % 100 + 1, repeat('n', 100) || i FROM generate_series(1, ${ROWS}) i;
    CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER always BEFORE UPDATE ON purchase FOR EACH ROW EXECUTE FUNCTION nothing(); ALTER TABLE purchase ENABLE ALWAYS TRIGGER always`)
  saved = await saveAll(lane.connections, mapping)
  await db.query(
    `UPDATE purchase SET note = 'bad'; DELETE FROM purchase WHERE id > ${ROWS / 2}; DELETE FROM customer WHERE id = 100 AND false; ALTER SEQUENCE purchase_id_seq RESTART`,
  )
  before = await image()
})

afterEach(async () => {
  // Whatever happened, no transaction, lock or staging table is left.
  await eventually(
    async () =>
      (await db.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`)).length === 0,
  )
})

const image = async () => ({
  rows: await db.query(
    `SELECT count(*), md5(string_agg(format('%s', p), '' ORDER BY id)), md5(string_agg(p.xmin::text, '' ORDER BY id)) AS xmin FROM purchase p`,
  ),
  customers: await db.query(`SELECT md5(string_agg(format('%s', c), '' ORDER BY id)) FROM customer c`),
  triggers: await db.query(`SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`),
  constraints: await db.query(`SELECT conname, condeferrable, convalidated FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1`),
})
const stagingTables = () => db.query(`SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('holdfast_staging') AND relkind = 'r'`)

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 1000) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Ends the sessions whose current or last query contains the text. */
const terminate = (text: string) =>
  db.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE $1 AND pid <> pg_backend_pid()`, [
    `%${text}%`,
  ])

/** The item, whose lines come slowly once `rows` have come. */
function slowAfter(item: RestoreItem, reached: () => void): RestoreItem {
  return {
    ...item,
    lines: {
      ...item.lines,
      async *open(options) {
        for await (const bytes of item.lines.open(options)) {
          yield bytes
          reached()
          await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
        }
      },
    },
  }
}

describe('a session that is killed', () => {
  it('while it stages leaves the live tables alone, and the next restore sweeps', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      await target.stage(itemOf(saved.entities[0]!))
      const { promise, resolve } = Promise.withResolvers<void>()
      const staging = failure(target.stage(slowAfter(itemOf(saved.entities[1]!), resolve)), 'E_STORE_FAILED')
      await promise
      await terminate('COPY "holdfast_staging"')
      await staging
      await failure(target.isEmpty('customer'), 'E_STORE_FAILED')
    })
    expect(await image()).toEqual(before)
    expect(await stagingTables()).not.toEqual([])
    await restoreAll(lane.connections, mapping, saved)
    expect(await stagingTables()).toEqual([])
    expect(await db.query(`SELECT count(*)::int AS n FROM purchase WHERE note <> 'bad'`)).toEqual([{ n: ROWS }])
  })

  it.each(['staged', 'direct'] as const)('in the middle of a %s merge leaves all as it was', async (mode) => {
    if (mode === 'direct') {
      await db.query('TRUNCATE purchase; DELETE FROM customer')
      before = await image()
    }
    await inTarget(lane.connections, mapping, async (target) => {
      const items = saved.entities.map((entity) => itemOf(entity))
      if (mode === 'staged') for (const item of items) await target.stage(item)
      const { promise, resolve } = Promise.withResolvers<void>()
      const slow = mode === 'direct' ? [items[0]!, slowAfter(items[1]!, resolve)] : items
      // A staged merge is held up by a lock on the sequence, which it takes last of all, with everything written.
      const holder = await lane.pool.connect()
      await holder.query(`BEGIN; SELECT pg_advisory_xact_lock(1); ALTER SEQUENCE purchase_id_seq CYCLE`)
      const merging = failure(
        target.merge(
          slow.map((item) => ({ ...item, mode })),
          { sequences: saved.sequences },
        ),
        'E_STORE_FAILED',
      )
      if (mode === 'direct') await promise
      else await eventually(async () => (await db.query(`SELECT FROM ${LOCKS} WHERE NOT granted`)).length > 0)
      await db.query(`SELECT pg_terminate_backend(pid) FROM ${LOCKS} WHERE mode = 'ShareRowExclusiveLock' AND relation = 'purchase'::regclass`)
      await merging
      await holder.query('ROLLBACK')
      holder.release()
    })
    await eventually(async () => (await db.query(`SELECT FROM ${LOCKS} WHERE mode = 'ShareRowExclusiveLock'`)).length === 0)
    expect(await image()).toEqual(before)
    await restoreAll(lane.connections, mapping, saved, { mode })
    expect(await stagingTables()).toEqual([])
  })
})

describe('a process that is killed', () => {
  const child = fileURLToPath(new URL('../fixtures/postgres-restore-child.ts', import.meta.url))

  /** Starts a restore in a process of its own and kills it at this moment. */
  async function killAt(moment: 'staging' | 'staged' | 'merging'): Promise<void> {
    const running = spawn(process.execPath, [child, db.url, JSON.stringify(mapping), moment], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(running, 'exit')
    running.stdin.end(JSON.stringify(saved.entities.map((entity) => ({ ...entity, bytes: Buffer.from(entity.bytes).toString('base64') }))))
    let said = ''
    for await (const bytes of running.stdout) {
      said += String(bytes)
      if (said.includes(moment)) break
    }
    running.kill('SIGKILL')
    await exited
    expect(said).toContain(moment)
  }

  it.each(['staging', 'staged', 'merging'] as const)('while %s leaves all as it was, and the next restore sweeps', async (moment) => {
    await killAt(moment)
    expect(await image()).toEqual(before)
    await eventually(async () => (await db.query(`SELECT FROM ${LOCKS} WHERE locktype = 'advisory'`)).length === 0)
    expect(await stagingTables()).not.toEqual([])
    await restoreAll(lane.connections, mapping, saved)
    expect(await stagingTables()).toEqual([])
    expect(await db.query(`SELECT count(*)::int AS n FROM purchase WHERE note <> 'bad'`)).toEqual([{ n: ROWS }])
  })
})

describe('an abort', () => {
  it.each(['staged', 'direct'] as const)('rolls a %s merge back, and the target can be used again', async (mode) => {
    if (mode === 'direct') {
      await db.query('TRUNCATE purchase; DELETE FROM customer')
      before = await image()
    }
    await inTarget(lane.connections, mapping, async (target) => {
      const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode }))
      if (mode === 'staged') for (const item of items) await target.stage(item)
      const abort = new AbortController()
      const onProgress = (entity: string) => void (entity === 'purchase' && abort.abort())
      await failure(target.merge(items, { sequences: [], signal: abort.signal, onProgress }), 'E_ABORTED')
      expect(await image()).toEqual(before)
      expect(await target.merge(items, { sequences: [] })).toMatchObject({
        entities: [{ entity: 'customer' }, { entity: 'purchase', created: mode === 'direct' ? ROWS : ROWS / 2 }],
      })
    })
  })

  it('is heard with a pool of one connection, at the price of that connection', async () => {
    const one = testPool(db.url, 1)
    const abort = new AbortController()
    const target = await inTarget(one.connections, mapping, async (opened) => {
      const item = itemOf(saved.entities[0]!)
      await opened.stage(item)
      const holder = await lane.pool.connect()
      await holder.query('BEGIN; LOCK TABLE customer IN SHARE MODE')
      const merging = failure(opened.merge([{ ...item, mode: 'staged' }], { sequences: [], signal: abort.signal }), 'E_ABORTED')
      await eventually(async () => (await db.query(`SELECT FROM ${LOCKS} WHERE NOT granted`)).length > 0)
      abort.abort()
      await merging
      await holder.query('ROLLBACK')
      holder.release()
      return opened
    })
    await failure(target.isEmpty('customer'), 'E_STORE_FAILED')
    await eventually(async () => one.pool.idleCount === one.pool.totalCount)
    await one.pool.end()
    await restoreAll(lane.connections, mapping, saved)
  })

  it('ends a wait for locks', async () => {
    const holder = await lane.pool.connect()
    await holder.query('BEGIN; LOCK TABLE purchase IN ACCESS EXCLUSIVE MODE')
    await inTarget(lane.connections, mappingOf(mapping.entities[0]!), async (target) => {
      const item = itemOf(saved.entities[0]!)
      await target.stage(item)
      await holder.query('ROLLBACK; BEGIN; LOCK TABLE customer IN SHARE MODE')
      const abort = new AbortController()
      const merging = failure(target.merge([{ ...item, mode: 'staged' }], { sequences: [], signal: abort.signal }), 'E_ABORTED')
      await eventually(async () => (await db.query(`SELECT FROM ${LOCKS} WHERE NOT granted`)).length > 0)
      abort.abort()
      await merging
      await holder.query('ROLLBACK')
      expect(await target.isEmpty('customer')).toBe(false)
    })
    holder.release()
  })
})

describe('company', () => {
  it('lets two restores side by side sweep nothing of each other', async () => {
    await inTarget(lane.connections, mapping, async (first) => {
      const items = saved.entities.map((entity) => itemOf(entity))
      for (const item of items) await first.stage(item)
      await restoreAll(lane.connections, mapping, saved)
      expect((await first.reconcile(items)).entities[1]).toMatchObject({ identical: ROWS })
    })
    expect(await stagingTables()).toEqual([])
  })

  it('refuses a second restore of the same id', async () => {
    await inTarget(
      lane.connections,
      mapping,
      async () => {
        await failure(
          inTarget(lane.connections, mapping, async () => {}, 'one and the same'),
          'E_SESSION_FENCED',
        )
      },
      'one and the same',
    )
  })

  it('holds writers off while it merges, and sees what they committed before', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
      for (const item of items) await target.stage(item)
      await target.reconcile(items)
      await db.query(`DELETE FROM purchase WHERE id = 1`)
      const { entities } = await target.merge(items, { sequences: [] })
      expect(entities[1]).toMatchObject({ entity: 'purchase', created: ROWS / 2 + 1, updated: ROWS / 2 - 1 })
    })
  })

  it('refuses a table whose definition changed meanwhile', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
      for (const item of items) await target.stage(item)
      await db.query('ALTER TABLE purchase ADD CONSTRAINT positive CHECK (id > 0)')
      await failure(target.merge(items, { sequences: [] }), 'E_RESTORE_MOVED')
    })
  })

  it('gives its connection back as it was, and closes more than once', async () => {
    const one = testPool(db.url, 1)
    const settings = () =>
      one.pool.query(
        `SELECT current_setting('search_path') AS path, current_setting('session_replication_role') AS role, (SELECT count(*)::int FROM ${LOCKS} WHERE locktype = 'advisory') AS locks`,
      )
    const clean = (await settings()).rows
    await inTarget(one.connections, mapping, async (target) => {
      await target.stage(itemOf(saved.entities[0]!))
      await target.close()
      await target.close()
      await failure(target.isEmpty('customer'), 'E_STORE_FAILED')
    })
    expect((await settings()).rows).toEqual(clean)
    expect(one.pool.idleCount).toBe(1)
    await one.pool.end()
  })
})

describe('row-level security', () => {
  it('in force for the role refuses the target', async () => {
    const role = await createTestRole(db)
    await db.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role.name}; ALTER TABLE customer ENABLE ROW LEVEL SECURITY`)
    const error = await failure(
      inTarget(role.lane.connections, mapping, async () => {}),
      'E_HIDDEN_ROWS',
    )
    expect(error.details).toEqual({ entities: ['customer'] })
    expect(role.lane.pool.idleCount).toBe(1)
    await role.drop()
  })
})
