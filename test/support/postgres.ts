import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Where the PostgreSQL server for tests is; the test runner's set-up finds or starts one and sets the variable. */
export function postgresUrl(): string {
  return process.env.HOLDFAST_TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
}

export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Runs SQL on a connection of its own; the rows of the last statement. */
  query<T = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>
  drop(): Promise<void>
}

/** A new, empty database of its own. Drop it in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `holdfast_test_${randomBytes(6).toString('hex')}`
  await onServer(`CREATE DATABASE ${name}`)
  const url = new URL(postgresUrl())
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 2, allowExitOnIdle: true })
  pool.on('error', () => {}) // an idle connection of a dropped database ends with an error that no test cares for
  return {
    name,
    url: url.href,
    async query<T>(sql: string, values?: unknown[]) {
      const result = await pool.query(sql, values)
      const last = Array.isArray(result) ? result.at(-1) : result
      return last.rows as T[]
    },
    async drop() {
      await pool.end()
      await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl() })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/**
 * Waits until no transaction of the server is older than what was written here. The snapshot's xmin is of the whole server: a transaction in another test's
 * database holds it back, and what was written since is then called changed, as it must be.
 */
export async function settle(database: Pick<TestDatabase, 'query'>): Promise<void> {
  const [now] = await database.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')
  for (let tries = 0; ; tries++) {
    const [row] = await database.query<{ settled: boolean }>(`SELECT pg_snapshot_xmin(pg_current_snapshot()) > '${now!.id}'::xid8 AS settled`)
    if (row!.settled) return
    if (tries > 2000) throw new Error('a transaction elsewhere on the server does not end')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
