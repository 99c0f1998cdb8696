import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createMysqlStore } from '../../adapters/sql/mysql/store.ts'
import { backupRig, manifestFaults, planOf } from '../support/backup-rig.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { type TcpProxy, tcpProxy, type WireFault } from '../support/tcp-proxy.ts'

const ROWS = 4000

describe.skipIf(mysqlUrl() === null)('case 31: a MariaDB behind a bad line', () => {
  let database: TestDatabase
  let proxy: TcpProxy | undefined
  beforeAll(async () => {
    database = await createMysqlDatabase()
    // Two tables that agree with each other in every committed state.
    await database.query(`CREATE TABLE debit (id int PRIMARY KEY, cents int NOT NULL, note varchar(100) NOT NULL);
      CREATE TABLE credit (id int PRIMARY KEY, cents int NOT NULL, note varchar(100) NOT NULL);
      INSERT INTO debit SELECT seq, seq, repeat('x', 80) FROM seq_1_to_${ROWS};
      INSERT INTO credit SELECT id, cents, note FROM debit`)
  })
  afterEach(async () => {
    await proxy?.close()
    proxy = undefined
  })
  afterAll(() => database.drop())

  it.each<[string, WireFault]>([
    ['that is reset in the middle of the rows', { kind: 'reset', afterBytes: 200_000 }],
    ['that ends in the middle of the rows', { kind: 'end', afterBytes: 150_000 }],
    ['that is slow', { kind: 'slow', restMs: 1 }],
  ])('%s gives one committed state', async (_, fault) => {
    const url = new URL(database.url)
    proxy = await tcpProxy({ host: url.hostname, port: Number(url.port || 3306) }, (connection) => (connection <= 2 ? fault : undefined))
    url.host = `127.0.0.1:${proxy.port}`
    const lane = mysqlPool(url.href, 3)
    // What broke is taken out of the pool, and said so; nobody need hear it twice.
    lane.pool.on('connection', (connection) => connection.on('error', () => {}))
    const columns = 'id cents note'
    const store = createMysqlStore({
      name: 'default',
      orm: 'test',
      mapping: mappingOf(table('debit', columns), table('credit', columns)),
      connections: lane.connections,
    })
    const writing = new AbortController()
    const writer = (async () => {
      for (let n = 0; !writing.signal.aborted; n++)
        await database.query(
          `BEGIN; UPDATE debit SET cents = cents + 1 WHERE id = ${(n % ROWS) + 1}; UPDATE credit SET cents = cents + 1 WHERE id = ${(n % ROWS) + 1}; COMMIT`,
        )
    })()
    try {
      const rig = backupRig({ stores: [store], plan: planOf([store], { policy: { chunkBytes: 32 * 1024, concurrency: 1 } }) })
      const { snapshotId } = await (await rig.start()).result()
      const manifest = await rig.manifest(snapshotId)
      expect(manifestFaults(manifest)).toEqual([])
      const [debit, credit] = await Promise.all(['debit', 'credit'].map((entity) => rig.lines(manifest, entity)))
      expect(debit!.split('\n')).toHaveLength(ROWS + 1)
      expect(credit).toBe(debit)
      expect(proxy.fired).toBeGreaterThan(0)
    } finally {
      writing.abort()
      await writer
      await endPool(lane.pool)
    }
  })
})
