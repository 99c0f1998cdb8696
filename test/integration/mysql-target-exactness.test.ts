import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll, type SavedStore } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'

/** Column, type, value in the backup, and a live value that looks equal to some comparison but is not the same. */
const NEAR: readonly (readonly [column: string, type: string, value: string, near: string])[] = [
  ['n', 'decimal(10,2)', `1.10`, `1.11`],
  ['f', 'double', `0.1`, `0.1e0 + 0.2e0 - 0.2e0`],
  ['f4', 'float', `16777217`, `16777218`],
  ['ci', 'varchar(20)', `'Word'`, `'word'`],
  ['accent', 'varchar(20)', `'resume'`, `'résumé'`],
  ['c', 'char(5)', `'a'`, `'A'`],
  ['v', 'varchar(10)', `'a '`, `'a'`],
  ['t', 'text', `''`, `NULL`],
  ['t2', 'text', `CONCAT(CHAR(92), 'N', CHAR(9), CHAR(10), CHAR(0), CHAR(12), '"', CONVERT(x'e280a8' USING utf8mb4), CHAR(92))`, `CONCAT(CHAR(92), 'N')`],
  ['l1', 'varchar(20) CHARACTER SET latin1', `'é'`, `'É'`],
  ['emoji', 'longtext', `CONVERT(x'f09f9880' USING utf8mb4)`, `CONVERT(x'f09f9881' USING utf8mb4)`],
  ['js', 'json', `CONCAT('{"a": 1,', CHAR(10), '"a":2}')`, `'{"a": 1, "a":2}'`],
  ['dt', 'datetime(6)', `'2026-01-01 00:00:00.123456'`, `'2026-01-01 00:00:00.123457'`],
  ['zero', 'datetime', `'0000-00-00 00:00:00'`, `NULL`],
  ['ts', 'timestamp NULL', `'2026-06-01 00:00:00'`, `'2026-06-01 00:00:01'`],
  ['d', 'date', `'9999-12-31'`, `'9999-12-30'`],
  ['tm', 'time(3)', `'-838:59:59.000'`, `'-838:59:58.999'`],
  ['y', 'year', `0`, `2000`],
  ['b', 'varbinary(20)', `x'00ff5c0927'`, `x'00ff5c0926'`],
  ['pad', 'binary(4)', `x'61'`, `x'61000020'`],
  ['blob1', 'longblob', `x''`, `NULL`],
  ['e', `enum('so so','fine','')`, `'so so'`, `'fine'`],
  ['s', `set('a','b','c')`, `'a,c'`, `'a'`],
  ['bit1', 'bit(1)', `b'1'`, `b'0'`],
  ['bit64', 'bit(64)', `b'1000000000000000000000000000000000000000000000000000000000000001'`, `b'0'`],
  ['u', 'uuid', `'00000000-0000-0000-0000-000000000001'`, `'00000000-0000-0000-0000-000000000002'`],
  ['ip', 'inet6', `'::1'`, `'::2'`],
  ['big', 'bigint', `9007199254740993`, `9007199254740992`],
  ['ubig', 'bigint unsigned', `18446744073709551615`, `18446744073709551614`],
  ['z', 'int(6) unsigned zerofill', `42`, `43`],
  ['bo', 'tinyint(1)', `true`, `false`],
]

describe.skipIf(mysqlUrl() === null)('MariaDB', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  /** The driver of this one does not load local files, so that rows go by INSERT. */
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

  describe('values', () => {
    const mapping = mappingOf(table('near', `id ${NEAR.map(([column]) => column).join(' ')}`))
    const columns = NEAR.map(([column]) => column)
    const lax = `SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; SET time_zone = '+00:00'`
    let saved: SavedStore

    beforeEach(async () => {
      await db.query(`${lax}; DROP TABLE IF EXISTS near;
        CREATE TABLE near (id int PRIMARY KEY, ${NEAR.map(([column, type]) => `${column} ${type}`).join(', ')}, touched timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)) CHARACTER SET utf8mb4;
        INSERT INTO near (id, ${columns.join(', ')}) VALUES (0, ${NEAR.map(([, , value]) => value).join(', ')}), (1${', NULL'.repeat(NEAR.length)});
        INSERT INTO near (id, ${columns.join(', ')}) SELECT seq, ${columns.join(', ')} FROM near JOIN seq_100_to_${99 + NEAR.length} WHERE id = 0;
        UPDATE near SET touched = '2001-01-01'`)
      saved = await saveAll(lane.connections, mapping)
    })

    const hex = () =>
      db.query(
        `SELECT id, ${columns.map((column) => `HEX(CAST(${column} AS BINARY)) AS ${column}, ISNULL(${column}) AS ${column}_null`).join(', ')}, touched FROM near ORDER BY id`,
      )
    const spoil = async () => {
      for (const [at, [column, , , near]] of NEAR.entries())
        await db.query(`${lax}; UPDATE near SET ${column} = ${near}, touched = '2001-01-01' WHERE id = ${100 + at}`)
    }

    it.each([
      ['LOAD DATA', () => lane.connections],
      ['INSERT', () => plain.connections],
    ] as const)('come back to the letter by %s, and only the rows that differ are written', async (_way, connections) => {
      const before = await hex()
      await spoil()
      expect(await hex()).not.toEqual(before)
      const { reconciled } = await restoreAll(connections(), mapping, saved)
      expect(reconciled?.entities[0]).toMatchObject({ create: 0, update: NEAR.length, identical: 2 })
      expect(await hex()).toEqual(before)
      const { merged } = await restoreAll(connections(), mapping, saved)
      expect(merged.entities).toMatchObject([{ created: 0, updated: 0, identical: NEAR.length + 2 }])
    })

    it('name the one field that differs', async () => {
      await spoil()
      await inTarget(lane.connections, mapping, async (target) => {
        const item = itemOf(saved.entities[0]!)
        await target.stage(item)
        const { entities } = await target.reconcile([item], { samples: 100 })
        expect(entities[0]?.samples.map(({ changes }) => changes.map(({ field }) => field))).toEqual(columns.map((column) => [column]))
        const change = (field: string) => entities[0]?.samples.flatMap(({ changes }) => changes).find((each) => each.field === field)
        expect(change('n')).toEqual({ field: 'n', live: '1.11', record: '1.10' })
        expect(change('ci')).toEqual({ field: 'ci', live: 'word', record: 'Word' })
        expect(change('b')).toEqual({ field: 'b', live: 'AP9cCSY=', record: 'AP9cCSc=' })
        expect(change('dt')?.record).toBe('2026-01-01T00:00:00.123456')
        expect(change('bit64')?.record).toBe('9223372036854775809')
      })
    })

    it.each(['staged', 'direct'] as const)('are the same by the %s way into an empty table, whichever way rows go', async (mode) => {
      const before = await hex()
      for (const { connections } of [lane, plain]) {
        await db.query('DELETE FROM near')
        await restoreAll(connections, mapping, saved, { mode })
        await db.query(`UPDATE near SET touched = '2001-01-01'`)
        expect(await hex()).toEqual(before)
      }
    })

    it('are refused when a type would round, cut or pad them in silence', async () => {
      for (const type of ['dt datetime(3)', 'f float', 'n decimal(10,1)', 'pad binary(8)', 'v varchar(5)', `e enum('fine')`, 'ubig bigint']) {
        const [column] = type.split(' ')
        await db.query(
          `SET sql_mode = ''; DROP TABLE near; CREATE TABLE near (id int PRIMARY KEY, ${NEAR.map(([name, dbType]) => (name === column ? type : `${name} ${dbType}`)).join(', ')})`,
        )
        const error = await failure(restoreAll(lane.connections, mapping, saved), 'E_SCHEMA_DRIFT')
        expect(error.details.differences).toMatchObject([{ field: column }])
      }
    })

    it('fit into wider types', async () => {
      const wider: Record<string, string> = {
        v: 'text',
        z: 'int unsigned',
        b: 'blob',
        e: `enum('fine','x','','so so')`,
        f4: 'double',
        dt: 'datetime(6)',
        n: 'decimal(12,2)',
      }
      await db.query(`DROP TABLE near; CREATE TABLE near (id int PRIMARY KEY, ${NEAR.map(([name, dbType]) => `${name} ${wider[name] ?? dbType}`).join(', ')})`)
      await restoreAll(lane.connections, mapping, saved)
      expect(await db.query(`SELECT e, v, n, z, HEX(b) AS b FROM near WHERE id = 0`)).toEqual([{ e: 'so so', v: 'a ', n: '1.10', z: 42, b: '00FF5C0927' }])
    })
  })

  describe('columns that the database makes', () => {
    const mapping = mappingOf(table('made', 'id base doubled note'))
    beforeEach(async () => {
      await db.query(`
        DROP TABLE IF EXISTS made;
        CREATE TABLE made (id int AUTO_INCREMENT PRIMARY KEY, base int, doubled int AS (base * 2) STORED, note text, later timestamp NOT NULL DEFAULT '2001-01-01' ON UPDATE CURRENT_TIMESTAMP);
        INSERT INTO made (id, base, note) SELECT seq, seq, CONCAT('n', seq) FROM seq_1_to_10`)
    })
    const next = async () => {
      await db.query(`INSERT INTO made (base) VALUES (1)`)
      return Number((await db.query<{ id: number }>('SELECT MAX(id) AS id FROM made'))[0]?.id)
    }

    it.each(['staged', 'direct'] as const)('come back by the %s way: counted, computed, and not touched', async (mode) => {
      const before = await db.query('SELECT * FROM made ORDER BY id')
      const saved = await saveAll(lane.connections, mapping)
      await db.query(
        mode === 'direct'
          ? 'TRUNCATE made'
          : `DELETE FROM made WHERE id > 5; UPDATE made SET base = 0, later = '2001-01-01' WHERE id = 2; ALTER TABLE made AUTO_INCREMENT = 1`,
      )
      await restoreAll(lane.connections, mapping, saved, { mode })
      expect(await db.query('SELECT * FROM made ORDER BY id')).toEqual(before)
      expect(await next()).toBe(11)
    })

    it.each(['staged', 'direct'] as const)('keep the key 0 by the %s way', async (mode) => {
      const counted = mappingOf(table('counted', 'id file big'))
      await db.query(`
        SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO'); DROP TABLE IF EXISTS counted;
        CREATE TABLE counted (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, file blob, big bit(9));
        INSERT INTO counted VALUES (0, x'00', b'1'), (5, NULL, b'111111111'), (9007199254740993, x'ff', NULL)`)
      const before = await db.query('SELECT id, HEX(file) AS f, big + 0 AS b FROM counted ORDER BY id')
      const saved = await saveAll(lane.connections, counted)
      await db.query('DELETE FROM counted')
      await restoreAll(lane.connections, counted, saved, { mode })
      expect(await db.query('SELECT id, HEX(file) AS f, big + 0 AS b FROM counted ORDER BY id')).toEqual(before)
    })

    it('moves counters forward only, to the greatest of live, saved and column', async () => {
      const saved = await saveAll(lane.connections, mapping)
      await restoreAll(lane.connections, mapping, { ...saved, sequences: [{ entity: 'made', field: 'id', lastValue: '77' }] })
      expect(await next()).toBe(78)
      await restoreAll(lane.connections, mapping, saved)
      expect(await next()).toBe(79)
    })
  })

  describe('keys', () => {
    it('of several columns and loose collations match as their index compares, and are written as they were', async () => {
      const mapping = mappingOf(table('keyed', 'word part at note', { key: ['word', 'part', 'at'] }))
      await db.query(`
        DROP TABLE IF EXISTS keyed;
        CREATE TABLE keyed (word varchar(20), part decimal(5,1), at datetime(6), note text, PRIMARY KEY (at, word, part));
        INSERT INTO keyed VALUES ('Ab', 1.0, '2026-01-01 00:00:00.000001', 'x'), ('c', 2, '2026-01-01', 'y')`)
      const saved = await saveAll(lane.connections, mapping)
      await db.query(`UPDATE keyed SET word = 'aB' WHERE note = 'x'`)
      await inTarget(lane.connections, mapping, async (target) => {
        const item = itemOf(saved.entities[0]!)
        await target.stage(item)
        const { entities } = await target.reconcile([item])
        expect(entities[0]).toMatchObject({ create: 0, update: 1, identical: 1, extra: 0 })
        expect(entities[0]?.samples[0]?.key).toBe('["Ab","1.0","2026-01-01T00:00:00.000001"]')
        await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })
      })
      expect(await db.query(`SELECT word FROM keyed ORDER BY note`)).toEqual([{ word: 'Ab' }, { word: 'c' }])
    })

    it('that are an enum, a uuid, bytes or a long text match', async () => {
      await db.query(`DROP TABLE IF EXISTS k1; CREATE TABLE k1 (e enum('b','a'), u uuid, b varbinary(9), t text, note text, PRIMARY KEY (e, u, b, t(10)));
        INSERT INTO k1 VALUES ('a', '00000000-0000-0000-0000-000000000001', x'00', 'one', 'n'), ('b', '00000000-0000-0000-0000-000000000001', x'00', 'two', 'n')`)
      const mapping = mappingOf(table('k1', 'e u b t note', { key: ['e', 'u', 'b', 't'] }))
      const before = await db.query('SELECT * FROM k1')
      const saved = await saveAll(lane.connections, mapping)
      await db.query(`UPDATE k1 SET note = 'x' WHERE e = 'a'; DELETE FROM k1 WHERE e = 'b'`)
      const { merged } = await restoreAll(lane.connections, mapping, saved)
      expect(merged.entities).toMatchObject([{ created: 1, updated: 1 }])
      expect(await db.query('SELECT * FROM k1')).toEqual(before)
    })

    it('alone make a junction, whose rows are only ever created', async () => {
      const mapping = mappingOf(table('tagged', 'post tag', { key: ['post', 'tag'], kind: 'junction' }))
      await db.query(
        `DROP TABLE IF EXISTS tagged; CREATE TABLE tagged (post int, tag int, PRIMARY KEY (post, tag)); INSERT INTO tagged SELECT seq, seq * 2 FROM seq_1_to_10`,
      )
      const saved = await saveAll(lane.connections, mapping)
      await db.query('DELETE FROM tagged WHERE post > 4')
      const { merged } = await restoreAll(lane.connections, mapping, saved)
      expect(merged.entities).toMatchObject([{ entity: 'tagged', created: 6, updated: 0 }])
      expect(await db.query('SELECT COUNT(*) AS n, SUM(tag) AS s FROM tagged')).toMatchObject([{ n: 10 }])
    })
  })
})
