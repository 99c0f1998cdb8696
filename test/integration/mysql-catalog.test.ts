import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEntities } from '../../adapters/sql/mysql/catalog.ts'
import { queryText } from '../../adapters/sql/mysql/query.ts'
import { quoteIdent, quoteLiteral } from '../../adapters/sql/mysql/quote.ts'
import { openSession } from '../../adapters/sql/mysql/session.ts'
import { createMysqlStore } from '../../adapters/sql/mysql/store.ts'
import type { EntityMapping } from '../../src/contracts/index.ts'
import { createMysqlDatabase, mysqlUrl, isMysqlProper } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'

describe.skipIf(mysqlUrl() === null)('the catalog of a MySQL store', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url, 2)
    await db.query(`
      CREATE TABLE customer (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, Email varchar(100) NOT NULL, label varchar(50), UNIQUE (Email), UNIQUE (label(5)));
      CREATE TABLE types (
        id int PRIMARY KEY, t tinyint(1), z int(5) zerofill, d decimal(12,3) NOT NULL DEFAULT 0, f float, b bit(8), big bit(64), y year, dt datetime(6),
        ts timestamp NULL, da date, ti time(3), tx text CHARACTER SET latin1, bi binary(4), bl blob, e enum('a','b'), s set('x','y'),
        g int AS (id + 1) VIRTUAL, h int AS (id + 2) STORED);
      CREATE TABLE line (order_id int NOT NULL, number int NOT NULL, customer_id bigint unsigned, PRIMARY KEY (number, order_id), CONSTRAINT line_customer FOREIGN KEY (customer_id) REFERENCES customer (id));
      CREATE TABLE place (id int PRIMARY KEY, at point NOT NULL);
      CREATE TABLE loose (id int, name varchar(10));
      CREATE TABLE maybe (id int, UNIQUE (id));
      CREATE VIEW people AS SELECT id FROM customer;
      CREATE TABLE archive (id int PRIMARY KEY) ENGINE = MyISAM`)
  })

  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  const store = (...entities: EntityMapping[]) =>
    createMysqlStore({ name: 'main', orm: 'test 1', mapping: mappingOf(...entities), connections: lane.connections })
  const describeOne = async (entity: EntityMapping) => (await store(entity).describe([{ entity: entity.name }]))[0]!
  const kinds = async (entity: EntityMapping) => Object.fromEntries((await describeOne(entity)).fields.map(({ path, type }) => [path, type.kind]))

  it('gives each type its record form', async () => {
    const columns = 'id t z d f b big y dt ts da ti tx bi bl e s g h'
    expect(await kinds(table('types', columns))).toEqual({
      id: 'int',
      t: 'int',
      z: 'int',
      d: 'decimal',
      f: 'float',
      b: 'int',
      big: 'bigint',
      y: 'int',
      dt: 'timestamp',
      ts: 'timestamp',
      da: 'text',
      ti: 'text',
      tx: 'text',
      bi: 'bytes',
      bl: 'bytes',
      e: 'text',
      s: 'text',
      g: 'int',
      h: 'int',
    })
    const { fields } = await describeOne(table('types', columns))
    expect(fields.find(({ path }) => path === 'd')).toMatchObject({ dbType: 'decimal(12,3)', nullable: false, optional: true })
    expect(fields.find(({ path }) => path === 't')).toMatchObject({ dbType: 'tinyint(1)', nullable: true, optional: false })
    expect(fields.filter(({ generation }) => generation === 'computed').map(({ path }) => path)).toEqual(['g', 'h'])
  })

  it('finds columns whatever their case, counters, unique indexes without prefixes', async () => {
    const customer = await describeOne(table('customer', 'id email label'))
    expect(customer).toMatchObject({ schema: db.name, table: 'customer', uniques: [['email']] })
    expect(customer.fields.map(({ column }) => column)).toEqual(['id', 'Email', 'label'])
    expect(customer.fields[0]).toMatchObject({ type: { kind: 'bigint' }, generation: 'identity' })
  })

  it('follows foreign keys that only the database knows', async () => {
    const line = table('line', 'order_id number customer_id', { key: ['order_id', 'number'] })
    const [described] = await store(line, table('customer', 'id')).describe([{ entity: 'line' }])
    expect(described!.references).toEqual([{ fields: ['customer_id'], entity: 'customer', schema: db.name, table: 'customer', columns: ['id'] }])
  })

  it('refuses what it cannot back up exactly', async () => {
    await expect(describeOne(table('place', 'id at'))).rejects.toMatchObject({ code: 'E_MAPPING', message: expect.stringContaining('at (point)') })
    await expect(describeOne(table('people', 'id'))).rejects.toMatchObject({ code: 'E_MAPPING', message: expect.stringContaining('a view') })
    await expect(describeOne(table('loose', 'id name'))).rejects.toMatchObject({ code: 'E_MAPPING' })
    await expect(describeOne(table('maybe', 'id'))).rejects.toMatchObject({ code: 'E_MAPPING', message: expect.stringContaining('may be NULL') })
    await expect(describeOne(table('customer', 'id nickname'))).rejects.toMatchObject({
      code: 'E_SCHEMA_DRIFT',
      details: { missing: [{ entity: 'customer', table: `${db.name}.customer`, column: 'nickname' }] },
    })
    await expect(describeOne(table('gone', 'id'))).rejects.toMatchObject({ code: 'E_SCHEMA_DRIFT' })
  })

  it('knows which tables are in snapshots, and which index orders a key', async () => {
    const session = await openSession(lane.connections)
    try {
      const mapping = mappingOf(table('archive', 'id'), table('line', 'order_id number', { key: ['order_id', 'number'] }), table('customer', 'id'))
      const described = await describeEntities(session, { store: 'main', mapping, selection: mapping.entities.map(({ name }) => ({ entity: name })) })
      expect(described.map(({ transactional, orderIndex }) => [transactional, orderIndex])).toEqual([
        [false, 'PRIMARY'],
        [true, null],
        [true, 'PRIMARY'],
      ])
    } finally {
      await session.release()
    }
  })

  it('pins the session and leaves nothing of it behind', async () => {
    const one = mysqlPool(db.url, 1, { charset: 'latin1_swedish_ci', timezone: '+02:00' })
    try {
      const settings = async () => {
        const { client, release } = await one.connections.acquire()
        const rows = await queryText(client, 'reading', 'SHOW SESSION VARIABLES')
        release()
        // Clocks and counters of the session move by themselves.
        return rows.filter(
          (row) => !/timestamp|last_insert_id|rand_seed|in_transaction|error_count|warning_count|identity|last_gtid|statement_id/.test(row.Variable_name ?? ''),
        )
      }
      const before = await settings()
      const session = await openSession(one.connections)
      expect(
        await queryText(session.client, 'asking', `SELECT @@time_zone AS zone, ${quoteLiteral("ünï€ \\ ' 😀\u0000")} AS text, 1 AS ${quoteIdent('a`b')}`),
      ).toEqual([{ zone: '+00:00', text: "ünï€ \\ ' 😀\u0000", 'a`b': '1' }])
      await queryText(session.client, 'beginning', 'START TRANSACTION READ ONLY')
      await session.release()
      await session.release(true)
      expect(await settings()).toEqual(before)
      const busy = isMysqlProper()
        ? 'SELECT COUNT(*) AS busy FROM performance_schema.events_transactions_current WHERE state = "ACTIVE" AND thread_id = PS_CURRENT_THREAD_ID()'
        : 'SELECT @@in_transaction AS busy'
      const [row] = await new Promise<unknown[]>((resolve, reject) =>
        one.pool.query(busy, (error, rows) => (error ? reject(error) : resolve(rows as unknown[]))),
      )
      expect(row).toEqual({ busy: 0 })
    } finally {
      await endPool(one.pool)
    }
  })
})
