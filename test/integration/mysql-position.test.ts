import mysql from 'mysql2'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { replicationLag } from '../../adapters/sql/mysql/replication-lag.ts'
import type { KnownRange, RangeState } from '../../src/contracts/index.ts'
import { failure } from '../support/failure.ts'
import { hasMariadb, type MariadbServer, startMariadb } from '../support/mariadb-server.ts'
import { endPool, inView, mysqlPool, remember } from '../support/mysql-lane.ts'
import { notRun } from '../support/not-run.ts'
import { checkAll, mappingOf, table } from '../support/postgres-lane.ts'

/** With its binary log on, MariaDB tells at which place of it a snapshot stands: at the same place, nothing was committed in between. In servers of the test's own. */

if (!hasMariadb) notRun('the position shortcut of MariaDB', 'no mariadbd to start', { required: false })

/** Statistics of tables are gathered in the background, by transactions that write. */
const LOGGING = ['--log-bin', '--server-id=7', '--innodb-stats-auto-recalc=OFF']
const mapping = mappingOf(table('item', 'id v'))

describe.runIf(hasMariadb)('a position in the binary log', () => {
  let server: MariadbServer
  const url = () => `${server.url}/shop`
  const run = (sql: string) => server.query(`USE shop; ${sql}`)

  async function inside<T>(work: (lane: ReturnType<typeof mysqlPool>) => Promise<T>): Promise<T> {
    const lane = mysqlPool(url(), 3)
    try {
      return await work(lane)
    } finally {
      await endPool(lane.pool)
    }
  }
  const know = (): Promise<KnownRange> => inside(({ connections }) => inView(connections, mapping, (view) => remember(view, 'item')))
  const check = (known: KnownRange): Promise<RangeState> =>
    inside(({ connections }) => inView(connections, mapping, async (view) => (await checkAll(view, 'item', [known]))[0]!))

  beforeAll(async () => {
    server = await startMariadb(LOGGING)
    await server.query('CREATE DATABASE shop CHARACTER SET utf8mb4')
  })
  afterAll(() => server?.stop())
  beforeEach(() =>
    run(
      `DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v varchar(100)) ENGINE=InnoDB; INSERT INTO item SELECT seq, concat('v', seq) FROM seq_1_to_100`,
    ),
  )

  it('that is the same proves a range unchanged', async () => {
    const known = await know()
    expect(await check(known)).toEqual({ index: 0, state: 'unchanged', rows: 100, method: 'position' })
    // Nothing else is asked: not even rows that could not be.
    expect(await check({ ...known, rows: 99 })).toMatchObject({ state: 'unchanged', rows: 99, method: 'position' })
  })

  it.each([
    ['a write to the table', `UPDATE item SET v = 'x' WHERE id = 7`, 'changed'],
    ['a write elsewhere', 'CREATE TABLE IF NOT EXISTS other (id int PRIMARY KEY); REPLACE INTO other VALUES (1)', 'unchanged'],
    ['a new log file', 'FLUSH BINARY LOGS', 'unchanged'],
  ])('is another after %s: the digest decides', async (_, sql, state) => {
    const known = await know()
    await run(sql)
    expect(await check(known)).toMatchObject({ state, method: 'digest-128' })
  })

  it('sees a transaction that was open while the range was read', async () => {
    const writer = mysql.createConnection({ uri: url() })
    const send = (sql: string) => writer.promise().query(sql)
    await send(`BEGIN`)
    await send(`UPDATE item SET v = 'late' WHERE id = 7`)
    const known = await know()
    expect(await check(known)).toMatchObject({ state: 'unchanged', method: 'position' })
    await send('COMMIT')
    writer.destroy()
    expect(await check(known)).toMatchObject({ state: 'changed', method: 'digest-128' })
  })

  it('case 33: does not hold for a log that begins anew under its old name', async () => {
    await server.query('RESET MASTER')
    const known = await know()
    await run(`UPDATE item SET v = 'x' WHERE id = 7`)
    await server.query('RESET MASTER')
    const again = await know()
    expect(again.evidence.values).toMatchObject({ binlogFile: known.evidence.values.binlogFile, binlogPosition: known.evidence.values.binlogPosition })
    expect(await check(known)).toMatchObject({ state: 'changed', method: 'digest-128' })
  })

  it('does not hold for what is written past the log', async () => {
    const known = await know()
    await run(`SET SESSION sql_log_bin = 0; UPDATE item SET v = 'x' WHERE id = 7`)
    expect(await check(known)).toMatchObject({ state: 'changed', method: 'digest-128' })
  })

  it.each(['systemId', 'table', 'created', 'binlogFile', 'binlogPosition', 'serverStarted', 'replicationApplied', 'transactions'])(
    'proves nothing when %s differs',
    async (field) => {
      const known = await know()
      const forged = { ...known, evidence: { ...known.evidence, values: { ...known.evidence.values, [field]: 'x' } } }
      expect(await check(forged)).toMatchObject({ state: 'unchanged', method: 'digest-128' })
    },
  )

  it('proves nothing of tables that are in no transaction', async () => {
    await run('ALTER TABLE item ENGINE = Aria')
    expect(await check(await know())).toMatchObject({ state: 'unchanged', method: 'digest-128' })
  })

  it('proves nothing after a restart', async () => {
    const known = await know()
    await server.restart()
    expect(await check(known)).toMatchObject({ state: 'unchanged', method: 'digest-128' })
  })

  it.each([
    ['the log is off', []],
    ['some databases are logged', [...LOGGING, '--binlog-do-db=other']],
    ['a database is not logged', [...LOGGING, '--binlog-ignore-db=shop']],
  ])('is not given where %s', async (_, args) => {
    await server.restart(args)
    try {
      const known = await know()
      expect(Object.keys(known.evidence.values)).not.toContain('binlogFile')
      expect(await check(known)).toMatchObject({ state: 'unchanged', method: 'digest-128' })
      await run(`UPDATE item SET v = 'x' WHERE id = 7`)
      expect(await check(known)).toMatchObject({ state: 'changed', method: 'digest-128' })
    } finally {
      await server.restart(LOGGING)
    }
  })

  describe('and replication', () => {
    let replica: MariadbServer
    beforeAll(async () => {
      replica = await startMariadb(['--log-bin', '--server-id=8'])
    })
    afterAll(() => replica?.stop())

    it('tells how far a replica is behind, and that a primary cannot know', async () => {
      await inside(async ({ connections }) => expect(await replicationLag(connections)).toBeNull())
      const { port } = new URL(server.url)
      await server.query('RESET MASTER')
      await replica.query(
        `CREATE DATABASE shop; CREATE TABLE shop.item (id int PRIMARY KEY, v varchar(100));
         CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${port}, MASTER_USER='root', MASTER_DELAY=60, MASTER_USE_GTID=slave_pos; START SLAVE`,
      )
      const lane = mysqlPool(`${replica.url}/shop`, 2)
      await vi.waitFor(async () => expect(await replicationLag(lane.connections)).toBe(0), { timeout: 10_000, interval: 100 })
      await run(`INSERT INTO item VALUES (1000, 'late')`)
      await vi.waitFor(async () => expect(await replicationLag(lane.connections)).toBeGreaterThanOrEqual(2000), { timeout: 20_000, interval: 200 })
      await replica.query('STOP SLAVE')
      await failure(replicationLag(lane.connections), 'E_STORE_FAILED')
      await endPool(lane.pool)
    })
  })
})
