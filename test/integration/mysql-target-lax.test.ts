import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { failure, restoreAll, saveAll } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'

describe.skipIf(mysqlUrl() === null)('what a laxer sql_mode has left in MariaDB', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  let plain: ReturnType<typeof mysqlPool>

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url)
    plain = mysqlPool(db.url, 2, { flags: ['-LOCAL_FILES'] })
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await endPool(plain.pool)
    await db.drop()
  })

  it('finds a zero date that is a key, and leaves its row alone', async () => {
    await db.query(
      `SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE born (d date, t datetime, v int, PRIMARY KEY (d, t)); INSERT INTO born VALUES ('0000-00-00', '0000-00-00', 1), ('2020-02-31', '2020-00-00', 2)`,
    )
    const mapping = mappingOf(table('born', 'd t v', { key: ['d', 't'] }))
    const saved = await saveAll(lane.connections, mapping)
    const { reconciled } = await restoreAll(lane.connections, mapping, saved, { policy: 'fail' })
    expect(reconciled!.entities).toMatchObject([{ create: 0, conflict: 0, identical: 2, extra: 0 }])
    await db.query(`UPDATE born SET v = 9`)
    const { merged } = await restoreAll(lane.connections, mapping, saved)
    expect(merged.entities).toMatchObject([{ created: 0, updated: 2 }])
    await db.query(`DELETE FROM born`)
    await restoreAll(lane.connections, mapping, saved)
    expect(await db.query('SELECT * FROM born ORDER BY v')).toEqual([
      { d: '0000-00-00', t: '0000-00-00 00:00:00', v: 1 },
      { d: '2020-02-31', t: '2020-00-00 00:00:00', v: 2 },
    ])
  })

  it('names the record with an ENUM value that is none: no strict session writes one', async () => {
    const mapping = mappingOf(table('mood', 'id e f'))
    await db.query(
      `SET sql_mode = ''; CREATE TABLE mood (id int PRIMARY KEY, e enum('a','b'), f enum('x','')); INSERT IGNORE INTO mood VALUES (1, 'a', ''), (2, 'unknown', 'x')`,
    )
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM mood')
    for (const { connections } of [lane, plain]) {
      const error = await failure(restoreAll(connections, mapping, saved, { mode: 'direct' }), 'E_RESTORE_REJECTED')
      expect(error.details.problems).toMatchObject([{ entity: 'mood', key: '[2]', line: 2, cause: 'validation' }])
    }
    expect(await db.query('SELECT * FROM mood')).toEqual([])
  })

  it('holds CHECK constraints even where the application has switched them off for its connections', async () => {
    const mapping = mappingOf(table('checked', 'id v'))
    await db.query('CREATE TABLE checked (id int PRIMARY KEY, v int); INSERT INTO checked VALUES (1, 1), (2, 20)')
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM checked; ALTER TABLE checked ADD CHECK (v < 10)')
    const loose = mysqlPool(db.url, 1)
    await new Promise((resolve) => loose.pool.query('SET check_constraint_checks = 0', resolve))
    for (const mode of ['staged', 'direct'] as const) await failure(restoreAll(loose.connections, mapping, saved, { mode }), 'E_RESTORE_REJECTED')
    const after = await new Promise((resolve) => loose.pool.query('SELECT @@check_constraint_checks AS checks', (_, rows) => resolve(rows)))
    expect(after).toEqual([{ checks: 0 }])
    await endPool(loose.pool)
    expect(await db.query('SELECT * FROM checked')).toEqual([])
  })
})
