import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoreMapping } from '../../src/contracts/index.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, mysqlPool } from '../support/mysql-lane.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll } from '../support/mysql-restore.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { mappingOf, table } from '../support/postgres-lane.ts'

describe.skipIf(mysqlUrl() === null)('MariaDB', () => {
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

  /** Makes the tables anew, by statements that mind no foreign keys. */
  async function tables(sql: string): Promise<void> {
    const old = await db.query<{ t: string }>(`SELECT TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()`)
    await unchecked(`${old.map(({ t }) => `DROP TABLE ${t}`).join('; ') || 'DO 1'}; ${sql}`)
  }
  const unchecked = (sql: string) => db.query(`SET foreign_key_checks = 0; ${sql}; SET foreign_key_checks = 1`)

  const image = async (mapping: StoreMapping) => {
    const rows: Record<string, unknown> = {}
    for (const entity of mapping.entities) rows[entity.name] = await db.query(`SELECT * FROM ${entity.table} ORDER BY ${entity.key.join(', ')}`)
    return rows
  }

  /** Saves, spoils, restores, and compares with what was saved. */
  async function roundTrip(mapping: StoreMapping, spoil: string, mode: 'staged' | 'direct' = 'staged') {
    const rows = await image(mapping)
    const saved = await saveAll(lane.connections, mapping)
    await unchecked(spoil)
    const { merged } = await restoreAll(lane.connections, mapping, saved, { mode })
    expect(await image(mapping)).toEqual(rows)
    return merged
  }

  it('restores a table that refers to itself, updates and new rows crossing', async () => {
    const mapping = mappingOf(table('node', 'id parent code'))
    await tables(`
      CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node (id), code varchar(9) UNIQUE NOT NULL);
      INSERT INTO node SELECT seq, NULLIF(seq % 7, 0) + 3, CONCAT('c', seq) FROM seq_1_to_20`)
    await roundTrip(mapping, `UPDATE node SET parent = NULL; DELETE FROM node WHERE id > 3; UPDATE node SET code = 'c9' WHERE id = 2`)
    await roundTrip(mapping, 'TRUNCATE node', 'direct')
  })

  it('restores parents, children and junctions, without a cascade', async () => {
    const mapping = mappingOf(
      table('author', 'id name'),
      table('book', 'id author_id'),
      table('tag', 'id'),
      table('book_tag', 'book tag', { key: ['book', 'tag'], kind: 'junction' }),
    )
    await tables(`
      CREATE TABLE author (id int PRIMARY KEY, name varchar(20) UNIQUE);
      CREATE TABLE book (id int PRIMARY KEY, author_id int NOT NULL REFERENCES author (id) ON DELETE CASCADE);
      CREATE TABLE tag (id int PRIMARY KEY);
      CREATE TABLE book_tag (book int REFERENCES book (id), tag int REFERENCES tag (id), PRIMARY KEY (book, tag));
      INSERT INTO author SELECT seq, CONCAT('a', seq) FROM seq_1_to_5;
      INSERT INTO book SELECT seq, seq % 5 + 1 FROM seq_1_to_50;
      INSERT INTO tag SELECT seq FROM seq_1_to_3;
      INSERT INTO book_tag SELECT seq, seq % 3 + 1 FROM seq_1_to_50`)
    const merged = await roundTrip(
      mapping,
      `DELETE FROM book_tag WHERE book > 10; DELETE FROM book WHERE id > 40; UPDATE book SET author_id = 1; UPDATE author SET name = CONCAT('x', id)`,
    )
    expect(merged.entities).toMatchObject([
      { entity: 'author', created: 0, updated: 5 },
      { entity: 'book', created: 10, updated: 32 },
      { entity: 'tag', created: 0, updated: 0 },
      { entity: 'book_tag', created: 40, updated: 0 },
    ])
    expect(merged.silenced).toHaveLength(1)
    await roundTrip(mapping, 'TRUNCATE author; TRUNCATE book; TRUNCATE tag; TRUNCATE book_tag', 'direct')
  })

  it('restores a cycle of foreign keys that may not be NULL, staged and direct', async () => {
    const mapping = mappingOf(table('egg', 'id hen_id'), table('hen', 'id egg_id'))
    await tables(`
      CREATE TABLE egg (id int PRIMARY KEY, hen_id int NOT NULL);
      CREATE TABLE hen (id int PRIMARY KEY, egg_id int NOT NULL REFERENCES egg (id));
      INSERT INTO egg SELECT seq, seq + 1 FROM seq_1_to_5; INSERT INTO hen SELECT seq + 1, seq FROM seq_1_to_5;
      ALTER TABLE egg ADD CONSTRAINT laid FOREIGN KEY (hen_id) REFERENCES hen (id)`)
    await roundTrip(mapping, 'DELETE FROM egg WHERE id > 2; DELETE FROM hen WHERE id > 3; UPDATE egg SET hen_id = 2')
    await roundTrip(mapping, 'TRUNCATE egg; TRUNCATE hen', 'direct')
  })

  it('exchanges unique values, in a cycle, in a chain, and over several columns', async () => {
    const mapping = mappingOf(table('seat', 'id code room place'))
    await tables(`
      CREATE TABLE seat (id int PRIMARY KEY, code varchar(9) UNIQUE, room int NOT NULL, place int, note varchar(9) DEFAULT 'kept', twice int AS (place * 2) STORED,
        changed timestamp NOT NULL DEFAULT '2001-01-01' ON UPDATE CURRENT_TIMESTAMP, UNIQUE (room, place), UNIQUE KEY prefixed (code(2), room, place));
      CREATE TABLE ticket (seat int, FOREIGN KEY (seat) REFERENCES seat (id) ON DELETE CASCADE);
      INSERT INTO seat (id, code, room, place) SELECT seq, CONCAT('S', seq), 1, seq FROM seq_1_to_10;
      INSERT INTO ticket SELECT seq FROM seq_1_to_10`)
    const saved = await saveAll(lane.connections, mapping)
    const rows = () => db.query('SELECT id, code, room, place, twice FROM seat ORDER BY id')
    const before = await rows()
    await unchecked(
      `UPDATE seat SET note = CONCAT('n', id); DELETE FROM ticket WHERE seat = 10; DELETE FROM seat WHERE id = 10;
       UPDATE seat SET code = NULL WHERE id < 9; UPDATE seat SET code = CONCAT('S', (id % 3 + 1)) WHERE id <= 3; UPDATE seat SET code = CONCAT('S', (id + 1)) WHERE id BETWEEN 4 AND 7;
       UPDATE seat SET place = -place; UPDATE seat SET place = 11 + place WHERE id < 10 ORDER BY id; UPDATE seat SET code = 'S10' WHERE id = 9; UPDATE seat SET changed = '2001-01-01'`,
    )
    await restoreAll(lane.connections, mapping, saved)
    expect(await rows()).toEqual(before)
    expect(await db.query('SELECT COUNT(*) AS n FROM ticket')).toEqual([{ n: 9 }])
    expect(await db.query(`SELECT DISTINCT note = IF(id = 10, 'kept', CONCAT('n', id)) AS same, changed FROM seat`)).toEqual([
      { same: 1, changed: '2001-01-01 00:00:00' },
    ])
  })

  it('refuses a missing parent with key and line, and changes nothing', async () => {
    const mapping = mappingOf(table('child', 'id parent_id'))
    await tables(`
      CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (id int PRIMARY KEY, parent_id int, CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent (id));
      INSERT INTO parent SELECT seq FROM seq_1_to_5;
      INSERT INTO child SELECT seq, seq FROM seq_1_to_5; INSERT INTO child VALUES (6, NULL)`)
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM child WHERE id > 1; DELETE FROM parent WHERE id IN (2, 4)')
    const before = await image(mapping)
    const missing = (key: number) => ({
      entity: 'child',
      key: `[${key}]`,
      line: key,
      cause: 'missing-parent',
      message: `parent_id: there is no row [${key}] of \`${db.name}\`.\`parent\` to refer to (child_parent)`,
    })
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf(saved.entities[0]!)
      await target.stage(item)
      expect(await target.reconcile([item])).toMatchObject({ problems: [missing(2), missing(4)], problemCount: 2 })
      expect(await target.reconcile([item], { problemLimit: 1 })).toMatchObject({ problems: [missing(2)], problemCount: 2 })
      const error = await failure(target.merge([{ ...item, mode: 'staged' }], { sequences: [] }), 'E_RESTORE_REJECTED')
      expect(error.details).toEqual({ problems: [missing(2), missing(4)], problemCount: 2 })
    })
    expect(await image(mapping)).toEqual(before)
    await db.query('DELETE FROM child')
    const error = await failure(restoreAll(lane.connections, mapping, saved, { mode: 'direct' }), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject([{ key: '[2]', cause: 'missing-parent' }, { key: '[4]' }])
    expect(await db.query('SELECT * FROM child')).toEqual([])
  })

  it('foresees that a record would take from a row the value that it refers to', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code varchar(9) UNIQUE);
      CREATE TABLE city (id int PRIMARY KEY, country varchar(9), FOREIGN KEY (country) REFERENCES country (code) ON UPDATE CASCADE);
      INSERT INTO country VALUES (1, 'fr'), (2, 'de')`)
    const countries = mappingOf(table('country', 'id code'))
    const saved = await saveAll(lane.connections, countries)
    await db.query(`UPDATE country SET code = 'xx' WHERE id = 2; INSERT INTO city VALUES (1, 'xx'), (2, 'fr')`)
    const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
    await inTarget(lane.connections, countries, async (target) => {
      const lost = { entity: 'country', key: '[2]', line: 2, cause: 'missing-parent', message: expect.stringContaining('refer to a value of code') }
      for (const item of items) expect((await target.stage(item)).problems).toEqual([])
      expect(await target.reconcile(items)).toMatchObject({ problems: [lost], problemCount: 1 })
      const error = await failure(target.merge(items, { sequences: [] }), 'E_RESTORE_REJECTED')
      expect(error.details.problems).toMatchObject([lost])
      await db.query(`UPDATE city SET country = 'fr'`)
      expect(await target.reconcile(items)).toMatchObject({ problems: [], problemCount: 0 })
      await target.merge(items, { sequences: [] })
    })
    expect(await db.query('SELECT * FROM country ORDER BY 1')).toEqual([
      { id: 1, code: 'fr' },
      { id: 2, code: 'de' },
    ])
  })

  it('refuses unique clashes with rows that stay and among records, as the collation compares', async () => {
    const mapping = mappingOf(table('mail', 'id address'))
    await tables(`CREATE TABLE mail (id int PRIMARY KEY, address varchar(20)); INSERT INTO mail VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'B')`)
    const saved = await saveAll(lane.connections, mapping)
    await db.query(`DELETE FROM mail; INSERT INTO mail VALUES (7, 'A'), (8, NULL); ALTER TABLE mail ADD UNIQUE KEY address_key (address)`)
    const before = await image(mapping)
    const error = await failure(restoreAll(lane.connections, mapping, saved), 'E_RESTORE_REJECTED')
    const clash = { entity: 'mail', cause: 'unique-clash' }
    expect(error.details.problems).toEqual([
      { ...clash, key: '[1]', line: 1, message: 'address is unique (address_key), and the live row [7], which stays, has the same value' },
      { ...clash, key: '[4]', line: 4, message: 'address is unique (address_key), and record 2 has the same value' },
    ])
    expect(await image(mapping)).toEqual(before)
  })

  it('names the records that a CHECK or a computed unique value refuses when it writes', async () => {
    const mapping = mappingOf(table('checked', 'id n'))
    await tables(`CREATE TABLE checked (id int PRIMARY KEY, n int); INSERT INTO checked SELECT seq, seq FROM seq_1_to_50`)
    const saved = await saveAll(lane.connections, mapping)
    await db.query('DELETE FROM checked WHERE id < 40; ALTER TABLE checked ADD CONSTRAINT odd CHECK (n NOT IN (7, 30)), ADD half int AS (n DIV 40) STORED')
    const error = await failure(restoreAll(lane.connections, mapping, saved), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject([
      { entity: 'checked', key: '[7]', line: 7, cause: 'validation' },
      { key: '[30]', line: 30, cause: 'validation' },
    ])
    expect(await db.query('SELECT COUNT(*) AS n FROM checked')).toEqual([{ n: 11 }])
  })

  it('writes no row of a table whose triggers would fire, and says so before', async () => {
    const mapping = mappingOf(table('doc', 'id body'))
    await tables(`CREATE TABLE doc (id int PRIMARY KEY, body text); CREATE TABLE audit (id int); INSERT INTO doc SELECT seq, 'b' FROM seq_1_to_4`)
    const saved = await saveAll(lane.connections, mapping)
    await db.query(`UPDATE doc SET body = 'x' WHERE id = 2; CREATE TRIGGER noted BEFORE INSERT ON doc FOR EACH ROW INSERT INTO audit VALUES (NEW.id)`)
    await restoreAll(lane.connections, mapping, saved)
    await db.query('DELETE FROM doc WHERE id = 3')
    const error = await failure(restoreAll(lane.connections, mapping, saved), 'E_CAPABILITY')
    expect(error.details).toMatchObject({ triggers: ['noted'] })
    await db.query('DELETE FROM doc')
    await failure(restoreAll(lane.connections, mapping, saved, { mode: 'direct' }), 'E_CAPABILITY')
    expect(await db.query('SELECT * FROM audit')).toEqual([])
    expect(await db.query('SELECT * FROM doc')).toEqual([])
  })

  it('refuses tables that nothing rolls back, and a user who cannot see triggers', async () => {
    const mapping = mappingOf(table('heap', 'id'))
    await tables('CREATE TABLE heap (id int PRIMARY KEY) ENGINE=MyISAM')
    await failure(
      inTarget(lane.connections, mapping, async () => {}),
      'E_CAPABILITY',
    )
    await db.query('ALTER TABLE heap ENGINE=InnoDB')
    const user = `u${db.name.slice(-11)}`
    await db.query(
      `CREATE USER ${user}@'%'; CREATE USER ${user}@localhost; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON ${db.name}.* TO ${user}@'%', ${user}@localhost`,
    )
    const url = new URL(db.url)
    url.username = user
    const small = mysqlPool(url.href)
    try {
      const error = await failure(
        inTarget(small.connections, mapping, async () => {}),
        'E_PERMISSION',
      )
      expect(error.hint).toContain(`GRANT TRIGGER ON \`${db.name}\`.*`)
      await db.query(`GRANT TRIGGER ON ${db.name}.* TO ${user}@'%', ${user}@localhost`)
      const saved = await saveAll(lane.connections, mapping)
      await restoreAll(small.connections, mapping, saved)
    } finally {
      await endPool(small.pool)
      await db.query(`DROP USER ${user}@'%', ${user}@localhost`)
    }
  })
})
