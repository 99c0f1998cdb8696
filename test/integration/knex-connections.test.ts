import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { mikroOrmStore } from '../../adapters/mikro-orm/index.ts'
import { knexMysqlConnections, knexPostgresConnections } from '../../adapters/mikro-orm/knex-connections.ts'
import type { KnexPool } from '../../adapters/mikro-orm/knex-pool.ts'
import { createHoldfast, definePlan } from '../../src/index.ts'
import { DIALECTS } from '../support/declared-tables.ts'
import { createLiveDatabase, type LiveDatabase } from '../support/end-to-end/live-database.ts'
import { failure } from '../support/failure.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'

const { defineEntity, p } = mikroOrm6.core
const Thing = defineEntity({ name: 'Thing', tableName: 'thing', properties: { id: p.integer().primary(), label: p.string().length(20) } })
const SQL = {
  postgres: {
    id: 'SELECT pg_backend_pid() AS id',
    kill: (id: number) => `SELECT pg_terminate_backend(${id})`,
    sessions: { schema: 'pg_catalog', table: 'pg_stat_activity' },
    is: (id: number) => `pid = ${id}`,
    settings: 'SELECT name, setting FROM pg_settings',
  },
  mysql: {
    id: 'SELECT CONNECTION_ID() AS id',
    kill: (id: number) => `KILL ${id}`,
    sessions: { schema: 'information_schema', table: 'processlist' },
    is: (id: number) => `id = ${id}`,
    settings: 'SHOW SESSION VARIABLES',
  },
} as const
/** They say what was done last, not what was set. */
const PASSING = new Set([
  'timestamp',
  'last_insert_id',
  'error_count',
  'warning_count',
  'insert_id',
  'pseudo_thread_id',
  'rand_seed1',
  'rand_seed2',
  'in_transaction',
])

interface Lent {
  readonly client: {
    readonly threadId?: number | null
    readonly processID?: number | null
  }
  release(destroy?: boolean): void
}

describe.each(DIALECTS.filter((dialect) => dialect !== 'sqlite'))("the connections of MikroORM 6 are Knex's, %s", (dialect) => {
  const sql = SQL[dialect]
  let database: LiveDatabase
  const closing: (() => Promise<void>)[] = []
  beforeEach(async () => {
    database = await createLiveDatabase(dialect)
    await database.carelessly(
      'CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, label VARCHAR(20) NOT NULL)',
      `INSERT INTO thing (id, label) VALUES (1, 'one'), (2, 'two')`,
    )
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
    await database.drop()
  })

  async function open(max: number, more: { readonly acquireTimeoutMillis?: number } = {}) {
    const orm = await mikroOrm6.open(dialect, database.location, { entities: [Thing], pool: { min: 0, max, ...more } })
    closing.push(() => orm.close())
    const knex = (orm.em.getConnection() as unknown as { getKnex(): { readonly client: KnexPool & { pool: { numUsed(): number } } } }).getKnex().client
    const connections = dialect === 'postgres' ? knexPostgresConnections(knex) : knexMysqlConnections(knex)
    const query = async <T>(text: string) => (await orm.em.getConnection().execute(text)) as T[]
    return {
      orm,
      connections: { max: connections.max, acquire: (signal?: AbortSignal) => connections.acquire({ signal }) as Promise<Lent> },
      used: () => knex.pool.numUsed(),
      query,
      /** The server's session of the one connection. */
      session: async () => Number((await query<{ id: number }>(sql.id))[0]?.id),
    }
  }
  const idOf = ({ client }: Lent) => Number(client.processID ?? client.threadId)

  it('are lent and given back, as many as its pool may have', async () => {
    const { connections, used, session } = await open(3)
    expect(connections.max).toBe(3)
    const [one, two] = [await connections.acquire(), await connections.acquire()]
    expect([used(), idOf(one) === idOf(two)]).toEqual([2, false])
    one.release()
    two.release()
    expect(used()).toBe(0)
    expect([idOf(one), idOf(two)]).toContain(await session())
  })

  it('are closed where asked, and never lent again', async () => {
    const { connections, used, session } = await open(1)
    const broken = await connections.acquire()
    const waiting = session()
    broken.release(true)
    expect(await waiting).not.toBe(idOf(broken))
    expect(await session()).toBe(await waiting)
    expect(used()).toBe(0)
    await expect.poll(() => database.count(sql.sessions, sql.is(idOf(broken))), { timeout: 30_000 }).toBe(0)
  })

  it('do not end the process when the server closes one that is lent', async () => {
    const { connections, session } = await open(1)
    const lent = await connections.acquire()
    await database.carelessly(sql.kill(idOf(lent)))
    await expect.poll(() => database.count(sql.sessions, sql.is(idOf(lent))), { timeout: 30_000 }).toBe(0)
    lent.release(true)
    expect(await session()).not.toBe(idOf(lent))
  })

  it('are waited for until the abort; one that comes later goes back', async () => {
    const { connections, used, session } = await open(1)
    const only = await connections.acquire()
    const aborting = new AbortController()
    const waiting = connections.acquire(aborting.signal)
    aborting.abort()
    await failure(waiting, 'E_ABORTED')
    await failure(connections.acquire(aborting.signal), 'E_ABORTED')
    only.release()
    expect(await session()).toBe(idOf(only))
    expect(used()).toBe(0)
  })

  it('that are all in use for too long are a failure that says so, and may be tried again', async () => {
    const { orm, connections } = await open(1, { acquireTimeoutMillis: 200 })
    const store = mikroOrmStore(orm)
    const only = await connections.acquire()
    const error = await failure(store.describe([{ entity: 'Thing' }]), 'E_STORE_FAILED')
    expect([error.retryable, error.message, error.hint]).toEqual([true, expect.stringContaining('lent no connection'), expect.stringContaining('pool.max')])
    only.release()
    expect(await store.describe([{ entity: 'Thing' }])).toHaveLength(1)
  })

  it.each([1, 2])('have their settings as before after a backup and a restore, of a pool of %i', async (max) => {
    const { orm, used, query } = await open(max)
    const settings = async () =>
      (await query<Record<string, string>>(sql.settings)).map((row) => Object.values(row)).filter(([name = '']) => !PASSING.has(name.toLowerCase()))
    const before = await settings()
    expect(before.length).toBeGreaterThan(50)
    const plan = definePlan({ id: 'things', description: 'All', entities: [Thing] })
    const holdfast = await createHoldfast({ stores: [mikroOrmStore(orm)], storage: memoryStorage(), plans: [plan] })
    const { snapshotId: snapshot } = await holdfast.backups.run('things')
    await database.carelessly('DELETE FROM thing WHERE id = 1')
    expect((await holdfast.restores.restore({ snapshot })).totals).toMatchObject({ create: 1, identical: 1 })
    await holdfast.close()
    expect(used()).toBe(0)
    expect(await settings()).toEqual(before)
  })

  it('are refused when they are of another package', async () => {
    const { orm } = await open(1)
    const pool = { driverName: 'other', acquireConnection: () => Promise.reject(new Error('asked')), releaseConnection: () => Promise.resolve() }
    const em = {
      getConnection: () => ({ ensureConnection: () => Promise.resolve(), getKnex: () => ({ client: pool }) }),
      getContext: () => orm.em.getContext(false),
      getDriver: () => orm.em.getDriver(),
    }
    const other = Object.create(orm, { em: { value: em } }) as typeof orm
    const error = await failure(mikroOrmStore(other).describe([{ entity: 'Thing' }]), 'E_DIALECT')
    expect(error.message).toMatch(/connections of `other`, and only those of `(pg|mysql2)` are served/)
  })
})

describe("a SQLite file's one connection, which is Knex's too", () => {
  let database: LiveDatabase
  let orm: Awaited<ReturnType<typeof mikroOrm6.open>>
  beforeEach(async () => {
    database = await createLiveDatabase('sqlite')
    await database.carelessly(
      'CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, label VARCHAR(20) NOT NULL)',
      `INSERT INTO thing (id, label) VALUES (1, 'one')`,
    )
    orm = await mikroOrm6.open('sqlite', database.location, { entities: [Thing] })
  })
  afterEach(async () => {
    await orm.close()
    await database.drop()
  })
  const described = async () => (await mikroOrmStore(orm).describe([{ entity: 'Thing' }])).length

  it('may be closed and opened anew, as Knex does every few seconds', async () => {
    const store = mikroOrmStore(orm)
    expect(await store.describe([{ entity: 'Thing' }])).toHaveLength(1)
    const handle = await mikroOrm6.sqliteHandle(orm)
    // Knex goes by its age.
    Object.assign(handle, { __created: 0 })
    expect(await orm.em.getConnection().execute('SELECT id FROM thing')).toEqual([{ id: 1 }])
    expect(handle.open).toBe(false)
    expect(await store.describe([{ entity: 'Thing' }])).toHaveLength(1)
    expect(await described()).toBe(1)
  })

  it('is waited for where the application has a transaction open, by the first who asks', async () => {
    let first: Promise<number> | undefined
    let come = false
    await orm.em.fork().transactional(async (em) => {
      first = described().finally(() => (come = true))
      for (let again = 0; again < 20; again++) await em.execute('SELECT 1')
      expect(come).toBe(false)
    })
    expect(await first).toBe(1)
    await orm.em.fork().transactional(async () => expect(await described()).toBe(1))
  })
})
