import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'

const mapping = mappingOf(table('price', 'id amount seen'))

describe.skipIf(mysqlUrl() === null)('a table of MariaDB that is not what it was', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url)
  })
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  const tables = () =>
    db.query(
      `DROP TABLE IF EXISTS price; CREATE TABLE price (id int PRIMARY KEY, amount decimal(10,2), seen datetime(6)); INSERT INTO price VALUES (1, 1.23, '2026-01-01 00:00:00.123456')`,
    )

  it.each([
    'MODIFY amount decimal(10,1)', // INSERT … SELECT rounds in silence, however strict the session is
    'MODIFY seen datetime(3)',
    'ADD COLUMN note text NOT NULL',
    'ADD UNIQUE (amount)',
    'ADD SYSTEM VERSIONING',
  ])('between staging and merging is written to no more: %s', async (change) => {
    await tables()
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM price')
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf(saved.entities[0]!)
      await target.stage(item)
      await db.query(`ALTER TABLE price ${change}`)
      await failure(target.merge([{ ...item, mode: 'staged' }], { sequences: [] }), 'E_RESTORE_MOVED')
    })
    expect(await db.query('SELECT * FROM price')).toEqual([])
  })

  it('is refused when the server keeps its history, to which a restore would add', async () => {
    await tables()
    const saved = await saveAll(lane.connections, mapping)
    await db.query('ALTER TABLE price ADD SYSTEM VERSIONING; UPDATE price SET amount = 2')
    const error = await failure(restoreAll(lane.connections, mapping, saved), 'E_CAPABILITY')
    expect(error.details).toEqual({ tables: [`${db.name}.price`] })
    await db.query('ALTER TABLE price DROP SYSTEM VERSIONING')
    await restoreAll(lane.connections, mapping, saved)
    expect(await db.query('SELECT amount FROM price')).toEqual([{ amount: '1.23' }])
  })

  it('is written to over connections that chain transactions, keep no notes and commit nothing by themselves', async () => {
    await tables()
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM price')
    const odd = mysqlPool(db.url, 1)
    const ask = (sql: string) => new Promise((resolve, reject) => odd.pool.query(sql, (error, rows) => (error ? reject(error) : resolve(rows))))
    await ask('SET completion_type = CHAIN, sql_notes = 0, autocommit = 0')
    const settings = 'SELECT @@completion_type AS b, @@sql_notes AS c, @@autocommit AS d'
    const before = await ask(settings)
    await restoreAll(odd.connections, mapping, saved)
    expect(await ask(settings)).toEqual(before)
    await endPool(odd.pool)
    expect(await db.query('SELECT amount FROM price')).toEqual([{ amount: '1.23' }])
  })

  it('is not updated where rows of another database would lose the value that they refer to', async () => {
    const countries = mappingOf(table('country', 'id code'))
    const other = await createMysqlDatabase()
    try {
      await db.query(`CREATE TABLE country (id int PRIMARY KEY, code varchar(2) UNIQUE); INSERT INTO country VALUES (1, 'fr'), (2, 'de')`)
      const saved = await saveAll(lane.connections, countries)
      await db.query(`UPDATE country SET code = 'xx' WHERE id = 2`)
      await other.query(
        `CREATE TABLE city (id int PRIMARY KEY, country varchar(2), FOREIGN KEY (country) REFERENCES ${db.name}.country (code)); INSERT INTO city VALUES (1, 'xx')`,
      )
      const error = await failure(restoreAll(lane.connections, countries, saved), 'E_RESTORE_REJECTED')
      expect(error.details.problems).toMatchObject([{ entity: 'country', key: '[2]', cause: 'missing-parent' }])
      await other.query('DELETE FROM city')
      await restoreAll(lane.connections, countries, saved)
    } finally {
      await other.drop()
    }
  })
})
