import mysql from 'mysql2'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createMysqlStore } from '../../adapters/sql/mysql/store.ts'
import { createPostgresStore } from '../../adapters/sql/postgres/store.ts'
import type { EntityStore } from '../../src/contracts/index.ts'
import { backupRig, planOf } from '../support/backup-rig.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestDatabase } from '../support/postgres.ts'

/** TECHNICAL.md, "Connections and locks", says how many connections a backup takes. Here the server counts them. */

const mapping = mappingOf(...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => table(name, 'id v')))
const fill = (text: string) =>
  mapping.entities.map(({ name }) => `CREATE TABLE ${name} (id int PRIMARY KEY, v varchar(200)); INSERT INTO ${name} SELECT i, '${text}' FROM`)

/** Backs everything up, full and incremental, and counts all the while. */
async function mostConnections(store: EntityStore, concurrency: number, count: () => Promise<number>): Promise<number> {
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 64 * 1024, concurrency } }) })
  let most = 0
  let done = false
  const counting = (async () => {
    while (!done) most = Math.max(most, await count())
  })()
  try {
    for (const kind of ['full', 'incremental'] as const) await (await rig.start(undefined, { kind })).result()
  } finally {
    done = true
    await counting
  }
  return most
}

describe('a backup of PostgreSQL', () => {
  it.each([
    { concurrency: 1, pool: 10, bound: 2 },
    { concurrency: 4, pool: 10, bound: 5 },
    { concurrency: 8, pool: 4, bound: 3 },
    { concurrency: 4, pool: 2, bound: 1 },
    { concurrency: 4, pool: 1, bound: 1 },
  ])('takes at most $bound of a pool of $pool for $concurrency readers', async ({ concurrency, pool, bound }) => {
    const db = await createTestDatabase()
    const lane = testPool(db.url, pool)
    const watcher = new pg.Client({ connectionString: db.url, application_name: 'watcher' })
    await watcher.connect()
    try {
      await db.query(
        fill('x'.repeat(150))
          .map((sql) => `${sql} generate_series(1, 5000) i`)
          .join(';'),
      )
      const store = createPostgresStore({ name: 'default', orm: 'none 1', mapping, connections: lane.connections })
      const most = await mostConnections(store, concurrency, async () => {
        const { rows } = await watcher.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`,
        )
        return rows[0].n
      })
      expect(most).toBeLessThanOrEqual(bound)
      expect(most).toBeGreaterThanOrEqual(Math.min(bound, 2))
      expect(lane.pool.totalCount).toBeLessThanOrEqual(bound)
    } finally {
      await watcher.end()
      await lane.pool.end()
      await db.drop()
    }
  })
})

describe.runIf(mysqlUrl() !== null)('a backup of MariaDB or MySQL', () => {
  it('takes one, whatever the pool and the readers', async () => {
    const db = await createMysqlDatabase()
    const { pool, connections } = mysqlPool(db.url, 10)
    const watcher = mysql.createConnection({ uri: mysqlUrl()! })
    try {
      await db.query(
        fill('x'.repeat(150))
          .map((sql) => `${sql} (WITH RECURSIVE s AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 900) SELECT i FROM s) AS s`)
          .join(';'),
      )
      const count = async (): Promise<number> => {
        const [rows] = await watcher.promise().query('SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE DB = ?', [db.name])
        return (rows as { n: number }[])[0]!.n
      }
      // Those of the application, which filled the database, are there already.
      const before = await count()
      const most = await mostConnections(createMysqlStore({ name: 'default', orm: 'none 1', mapping, connections }), 4, count)
      expect(most - before).toBe(1)
    } finally {
      watcher.destroy()
      await endPool(pool)
      await db.drop()
    }
  })
})
