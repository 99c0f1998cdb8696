import pg from 'pg'
import { poolConnections } from '../../adapters/sql/postgres/connections.ts'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import { clusterBinaries, createCluster, type PostgresCluster } from '../support/postgres-cluster.ts'
import type { ModelDatabases } from './databases.ts'
import { type ModelDatabase, type OpenTransaction, type SchemaStep, STORE } from './model-database.ts'
import type { ModelState } from './model-state.ts'
import type { Prng } from './prng.ts'
import { SLOTS } from './random-change.ts'
import { FIXED_EVENTS, initialSchema, type Schema, type Table, tableOf, type Value } from './schema.ts'
import { columnSql, createTableSql, mappingOf, readImage } from './table-sql.ts'

const VIEWS = 'holdfast-model'

/** A server of their own: with prepared transactions, and without the transactions of other tests, which would hold its xmin back. */
export async function openPostgresModel(): Promise<ModelDatabases | null> {
  if (clusterBinaries === null) return null
  const cluster = await createCluster({ max_prepared_transactions: '20', autovacuum: 'off' })
  await cluster.query('CREATE DATABASE copy')
  // Keys in another order than that of their bytes.
  const [icu] = await cluster.query(`SELECT FROM pg_collation WHERE collname = 'en-x-icu'`)
  const server: Server = { cluster, collation: icu ? ' COLLATE "en-x-icu"' : '' }
  return { create: () => createPostgresModel(server), close: () => cluster.remove() }
}

interface Server {
  readonly cluster: PostgresCluster
  readonly collation: string
}

async function createPostgresModel(server: Server): Promise<ModelDatabase> {
  const { cluster } = server
  const schema = initialSchema('postgres')
  let attached = 'event_a'
  let renamed = 0
  let prepared = 0
  const live = await openDatabase(cluster.url, 'postgres', schema, server, (table) =>
    table.name === 'event' ? eventSql(schema, table) : [createTableSql(schema, table)],
  )

  const begin = async (): Promise<OpenTransaction> => {
    const client = await connect(cluster.url)
    const end = async (sql: string) => {
      await client.query(sql)
      await client.end()
    }
    await client.query('BEGIN')
    return {
      run: async (sql) => (await client.query(sql), true),
      commit: () => end('COMMIT'),
      rollback: () => end('ROLLBACK'),
      async prepare() {
        const id = `'h${++prepared}'`
        await end(`PREPARE TRANSACTION ${id}`)
        return { commit: async () => (await live.query(`COMMIT PREPARED ${id}`), true), rollback: () => live.query(`ROLLBACK PREPARED ${id}`) }
      },
    }
  }

  function renameMood(rng: Prng, { schema: { moods } }: ModelState): SchemaStep {
    const [from, to] = [rng.pick(moods), `mood ${++renamed}`]
    return {
      name: 'rename an enum label',
      sql: [`ALTER TYPE mood RENAME VALUE '${from}' TO '${to}'`],
      apply(state) {
        state.schema = { ...state.schema, moods: moods.map((mood) => (mood === from ? to : mood)) }
        state.rewrite('parent', (values) => (values.mood === from ? { ...values, mood: to } : values))
      },
    }
  }

  function addMood(_: Prng, { schema: { moods } }: ModelState): SchemaStep {
    const mood = `mood ${++renamed}`
    return {
      name: 'add an enum label',
      sql: [`ALTER TYPE mood ADD VALUE '${mood}'`],
      apply: (state) => void (state.schema = { ...state.schema, moods: [...moods, mood] }),
    }
  }

  /** The rows of the other partition are as old as the table, and have the same keys. */
  function exchangePartition(): SchemaStep {
    const other = attached === 'event_a' ? 'event_b' : 'event_a'
    const sql = [
      `ALTER TABLE event DETACH PARTITION ${attached}`,
      `ALTER TABLE event ATTACH PARTITION ${other} FOR VALUES FROM (MINVALUE) TO (${FIXED_EVENTS})`,
    ]
    return {
      name: 'exchange a partition',
      sql,
      apply(state) {
        attached = other
        const spare = [...state.rows('event_spare').values()]
        const fixed = [...state.rows('event').values()].filter(({ values }) => Number(values.id) < FIXED_EVENTS)
        state.apply({ table: 'event', sql: '', removes: [], puts: spare })
        state.apply({ table: 'event_spare', sql: '', removes: [], puts: fixed })
      },
    }
  }

  return {
    schema,
    openTransactions: SLOTS - 1,
    writesBeside: true,
    canRestore: true,
    store: (current) => live.store(current),
    run: async (sql) => (await live.query(sql), true),
    begin,
    read: (current) => live.read(current),
    columnSql,
    oddStep: (rng, state) => rng.pick([renameMood, addMood, exchangePartition, exchangePartition])(rng, state),
    maintenance(rng, { tables }) {
      const { name } = rng.pick(tables)
      const many = rng.pick(['VACUUM', 'VACUUM (FREEZE)', 'VACUUM FULL', 'ANALYZE', 'REINDEX TABLE'])
      return `${many} ${name}`
    },
    truncate: (tables) => [`TRUNCATE ${tables.join(', ')}`],
    breakViews: () =>
      live.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${VIEWS}' AND state <> 'idle' AND datname = current_database()`,
      ),
    async crash() {
      await cluster.stop('immediate')
      await cluster.start()
    },
    async emptyCopy(current) {
      const copy = await openDatabase(cluster.url, 'copy', current, server, (table) => [createTableSql(current, table)])
      return { store: copy.store(current), read: () => copy.read(current), close: () => copy.close() }
    },
    async drop() {
      // A history that failed may leave them behind.
      const left = await cluster.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts')
      for (const { gid } of left) await cluster.query(`ROLLBACK PREPARED '${gid}'`)
      await live.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in%'`,
      )
      await live.close()
    },
  }
}

/** Two partitions of the same keys, of which one is attached, and one for all other rows. */
function eventSql(schema: Schema, table: Table): string[] {
  return [
    createTableSql(schema, table, 'event', ' PARTITION BY RANGE (id)'),
    `CREATE TABLE event_a PARTITION OF event FOR VALUES FROM (MINVALUE) TO (${FIXED_EVENTS})`,
    `CREATE TABLE event_rest PARTITION OF event FOR VALUES FROM (${FIXED_EVENTS}) TO (MAXVALUE)`,
    createTableSql(schema, table, 'event_b'),
  ]
}

/** Makes the tables anew in a database that is there. */
async function openDatabase(url: string, name: string, schema: Schema, { collation }: Server, tableSql: (table: Table) => readonly string[]) {
  const address = new URL(url)
  address.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: address.href, max: 5, application_name: VIEWS, allowExitOnIdle: true })
  pool.on('error', () => {})
  const app = new pg.Pool({ connectionString: address.href, max: 1, allowExitOnIdle: true })
  app.on('error', () => {})
  const query = async (sql: string): Promise<void> => void (await app.query(sql))
  const code = tableOf(schema, 'tag').columns[0]!
  const tables = schema.tables.flatMap(tableSql).map((sql) => sql.replace(columnSql(schema, code), `${columnSql(schema, code)}${collation}`))
  await query(
    `DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public; CREATE TYPE mood AS ENUM (${schema.moods.map((mood) => `'${mood}'`).join(', ')});\n${tables.join(';\n')}`,
  )
  return {
    query,
    store: (current: Schema) => createPostgresStore({ name: STORE, orm: 'model', mapping: mappingOf(current), connections: poolConnections(pool) }),
    read: (current: Schema) =>
      readImage(
        current,
        ({ name: column }) => `${column}::text`,
        async (text) => (await app.query<Value[]>({ text, rowMode: 'array' })).rows,
      ),
    async close() {
      await pool.end()
      await app.end()
    },
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // of a server that the history lets crash
  await client.connect()
  return client
}
