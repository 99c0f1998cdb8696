import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresConnections } from '../../adapters/sql/postgres/connections.ts'
import type { StoreMapping } from '../../src/contracts/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { createTestRole, type TestRole } from '../support/postgres-role.ts'
import { failure, inTarget, itemOf, restoreAll, saveAll } from '../support/postgres-restore.ts'

let db: TestDatabase
let superuser: ReturnType<typeof testPool>
let owner: TestRole
let writer: TestRole

beforeAll(async () => {
  db = await createTestDatabase()
  superuser = testPool(db.url)
  owner = await createTestRole(db)
  writer = await createTestRole(db)
  await db.query(`GRANT CREATE ON DATABASE ${db.name} TO ${owner.name}, ${writer.name}`)
})
afterAll(async () => {
  await owner.drop()
  await writer.drop()
  await superuser.pool.end()
  await db.drop()
})

/** Makes the tables anew, owned by `owner`, writable by `writer`. */
async function tables(sql: string): Promise<void> {
  await db.query(`
    DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO ${owner.name}; GRANT USAGE ON SCHEMA public TO ${writer.name};
    SET ROLE ${owner.name};
    ${sql};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${writer.name};
    RESET ROLE`)
}

const image = async (mapping: StoreMapping) => {
  const rows: Record<string, unknown> = {}
  for (const entity of mapping.entities)
    rows[entity.name] = await db.query(`SELECT ${entity.fields.map(({ column }) => column).join(', ')} FROM ${entity.table} ORDER BY ${entity.key.join(', ')}`)
  return rows
}

/** How constraints and triggers stand. */
const switches = () =>
  db.query(`
    SELECT conname AS name, condeferrable AS a, condeferred AS b, convalidated AS c FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tgname, tgenabled = 'O', tgdeferrable, tginitdeferred FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT attrelid::regclass || '.' || attname, attnotnull, false, false FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r') AND attnum > 0
    ORDER BY 1`)

const ROLES: readonly (readonly [string, () => PostgresConnections])[] = [
  ['a superuser', () => superuser.connections],
  ['the owner', () => owner.lane.connections],
  ['a writer', () => writer.lane.connections],
]

describe.each(ROLES)('as %s', (_role, connections) => {
  /** Saves, spoils, restores, and compares rows and switches with what was saved. */
  async function roundTrip(mapping: StoreMapping, spoil: string, mode: 'staged' | 'direct' = 'staged') {
    const [rows, before] = [await image(mapping), await switches()]
    const saved = await saveAll(superuser.connections, mapping)
    await db.query(spoil)
    const { merged } = await restoreAll(connections(), mapping, saved, { mode })
    expect(await image(mapping)).toEqual(rows)
    expect(await switches()).toEqual(before)
    return merged
  }

  it('restores a table that refers to itself, updates and new rows crossing', async () => {
    const mapping = mappingOf(table('node', 'id parent code'))
    await tables(`
      CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node, code text UNIQUE NOT NULL);
      INSERT INTO node SELECT i, nullif(i % 7, 0) + 3, 'c' || i FROM generate_series(1, 20) i`)
    await roundTrip(mapping, `UPDATE node SET parent = NULL; DELETE FROM node WHERE id > 3; UPDATE node SET code = 'c9' WHERE id = 2`)
    await roundTrip(mapping, 'TRUNCATE node CASCADE', 'direct')
  })

  it('restores parents, children and junctions', async () => {
    const mapping = mappingOf(
      table('author', 'id name'),
      table('book', 'id author_id'),
      table('tag', 'id'),
      table('book_tag', 'book tag', { key: ['book', 'tag'], kind: 'junction' }),
    )
    await tables(`
      CREATE TABLE author (id int PRIMARY KEY, name text);
      CREATE TABLE book (id int PRIMARY KEY, author_id int NOT NULL REFERENCES author ON DELETE CASCADE);
      CREATE TABLE tag (id int PRIMARY KEY);
      CREATE TABLE book_tag (book int REFERENCES book, tag int REFERENCES tag, PRIMARY KEY (book, tag));
      INSERT INTO author SELECT i, 'a' || i FROM generate_series(1, 5) i;
      INSERT INTO book SELECT i, i % 5 + 1 FROM generate_series(1, 50) i;
      INSERT INTO tag SELECT i FROM generate_series(1, 3) i;
      INSERT INTO book_tag SELECT i, i % 3 + 1 FROM generate_series(1, 50) i`)
    const merged = await roundTrip(
      mapping,
      `DELETE FROM book_tag WHERE book > 10; DELETE FROM author WHERE id = 3 AND false; DELETE FROM book WHERE id > 40; UPDATE book SET author_id = 1; UPDATE author SET name = 'x'`,
    )
    expect(merged.entities).toMatchObject([
      { entity: 'author', created: 0, updated: 5 },
      { entity: 'book', created: 10, updated: 32 },
      { entity: 'tag', created: 0, updated: 0 },
      { entity: 'book_tag', created: 40, updated: 0 },
    ])
    await roundTrip(mapping, 'TRUNCATE author, book, tag, book_tag', 'direct')
  })

  it('restores a cycle of nullable foreign keys, staged and direct', async () => {
    const mapping = mappingOf(table('team', 'id lead_id'), table('person', 'id team_id'))
    await tables(`
      CREATE TABLE team (id int PRIMARY KEY, lead_id int);
      CREATE TABLE person (id int PRIMARY KEY, team_id int NOT NULL REFERENCES team);
      ALTER TABLE team ADD CONSTRAINT lead FOREIGN KEY (lead_id) REFERENCES person;
      INSERT INTO team SELECT i FROM generate_series(1, 4) i;
      INSERT INTO person SELECT i, i % 4 + 1 FROM generate_series(1, 12) i;
      UPDATE team SET lead_id = id * 3 - 1 WHERE id < 4`)
    await roundTrip(
      mapping,
      `UPDATE team SET lead_id = NULL WHERE id < 3; UPDATE team SET lead_id = 1 WHERE id = 4; DELETE FROM person WHERE id BETWEEN 2 AND 7; DELETE FROM team WHERE id = 2 AND NOT EXISTS (SELECT FROM person WHERE team_id = 2)`,
    )
    await roundTrip(mapping, 'TRUNCATE team, person', 'direct')
  })

  it('restores a cycle of deferrable foreign keys that may not be NULL', async () => {
    const mapping = mappingOf(table('husband', 'id wife_id'), table('wife', 'id husband_id'))
    await tables(`
      CREATE TABLE husband (id int PRIMARY KEY, wife_id int NOT NULL);
      CREATE TABLE wife (id int PRIMARY KEY, husband_id int NOT NULL REFERENCES husband DEFERRABLE INITIALLY IMMEDIATE);
      ALTER TABLE husband ADD CONSTRAINT married FOREIGN KEY (wife_id) REFERENCES wife DEFERRABLE INITIALLY DEFERRED;
      BEGIN; INSERT INTO husband SELECT i, i + 10 FROM generate_series(1, 5) i; INSERT INTO wife SELECT i + 10, i FROM generate_series(1, 5) i; COMMIT`)
    await roundTrip(mapping, `BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM husband WHERE id > 2; DELETE FROM wife WHERE husband_id > 2; COMMIT`)
    await roundTrip(mapping, 'TRUNCATE husband, wife', 'direct')
  })

  it('exchanges unique values, in a cycle, in a chain, and over several columns', async () => {
    const mapping = mappingOf(table('seat', 'id code room row'))
    await tables(`
      CREATE TABLE seat (id int PRIMARY KEY, code text UNIQUE, room int NOT NULL, row int, note text DEFAULT 'kept', UNIQUE (room, row));
      CREATE UNIQUE INDEX ON seat (lower(code)) WHERE room > 0;
      CREATE TABLE ticket (seat int REFERENCES seat ON DELETE CASCADE);
      INSERT INTO seat SELECT i, 'S' || i, 1, i FROM generate_series(1, 10) i;
      INSERT INTO ticket SELECT i FROM generate_series(1, 10) i`)
    await roundTrip(
      mapping,
      `UPDATE seat SET note = 'n' || id; DELETE FROM ticket WHERE seat = 10; DELETE FROM seat WHERE id = 10;
       UPDATE seat SET code = NULL WHERE id < 9; UPDATE seat SET code = 'S' || (id % 3 + 1) WHERE id <= 3; UPDATE seat SET code = 'S' || (id + 1) WHERE id BETWEEN 4 AND 7;
       UPDATE seat SET row = -row; UPDATE seat SET row = 11 + row WHERE id < 10; UPDATE seat SET code = 'S10' WHERE id = 9`,
    )
    expect(await db.query('SELECT count(*)::int AS n FROM ticket')).toEqual([{ n: 9 }])
    expect(await db.query(`SELECT DISTINCT note = (CASE WHEN id = 10 THEN 'kept' ELSE 'n' || id END) AS same FROM seat`)).toEqual([{ same: true }])
  })

  it('exchanges values of a deferrable constraint', async () => {
    const mapping = mappingOf(table('place', 'id pos'))
    await tables(`CREATE TABLE place (id int PRIMARY KEY, pos int NOT NULL UNIQUE DEFERRABLE); INSERT INTO place SELECT i, i FROM generate_series(1, 5) i`)
    await roundTrip(mapping, 'UPDATE place SET pos = 6 - pos')
  })

  it('restores a partitioned table, whose partitions have triggers of their own', async () => {
    const mapping = mappingOf(table('event', 'id region note', { key: ['id', 'region'] }), table('seen', 'id event region'))
    await tables(`
      CREATE TABLE event (id int, region text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
      CREATE TABLE event_eu PARTITION OF event FOR VALUES IN ('eu'); CREATE TABLE event_us PARTITION OF event FOR VALUES IN ('us');
      CREATE TABLE seen (id int PRIMARY KEY, event int, region text, FOREIGN KEY (event, region) REFERENCES event);
      INSERT INTO event SELECT i, CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END, 'n' FROM generate_series(1, 20) i;
      INSERT INTO seen SELECT id, id, region FROM event; INSERT INTO seen VALUES (99, 5, NULL);
      CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'spoilt'; RETURN NEW; END $$`)
    await roundTrip(mapping, `DELETE FROM seen WHERE id > 10; DELETE FROM event WHERE id > 15; UPDATE event SET note = 'x' WHERE id < 5`)
    await db.query(`CREATE TRIGGER spoil BEFORE INSERT ON event_us FOR EACH ROW EXECUTE FUNCTION spoil()`)
    if (_role === 'a writer') return
    const { silenced } = await roundTrip(mapping, 'TRUNCATE seen, event', 'direct')
    expect(silenced).toContain('trigger "spoil" on public.event_us')
  })

  it('case 39: refuses a missing parent with key and line, and changes nothing', async () => {
    const mapping = mappingOf(table('child', 'id parent_id'))
    await tables(`
      CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);
      INSERT INTO parent SELECT i FROM generate_series(1, 5) i;
      INSERT INTO child SELECT i, i FROM generate_series(1, 5) i; INSERT INTO child VALUES (6, NULL)`)
    const saved = await saveAll(superuser.connections, mapping)
    await db.query('DELETE FROM child WHERE id > 1; DELETE FROM parent WHERE id IN (2, 4)')
    const before = [await image(mapping), await switches()]
    const missing = (key: number) => ({
      entity: 'child',
      key: `[${key}]`,
      line: key,
      cause: 'missing-parent',
      message: `parent_id: there is no row [${key}] of public.parent to refer to (child_parent_id_fkey)`,
    })
    await inTarget(connections(), mapping, async (target) => {
      const item = itemOf(saved.entities[0]!)
      await target.stage(item)
      expect(await target.reconcile([item])).toMatchObject({ problems: [missing(2), missing(4)], problemCount: 2 })
      expect(await target.reconcile([item], { problemLimit: 1 })).toMatchObject({ problems: [missing(2)], problemCount: 2 })
      const error = await failure(target.merge([{ ...item, mode: 'staged' }], { sequences: [] }), 'E_RESTORE_REJECTED')
      expect(error.details).toEqual({ problems: [missing(2), missing(4)], problemCount: 2 })
    })
    expect([await image(mapping), await switches()]).toEqual(before)
    await db.query('TRUNCATE child')
    const error = await failure(restoreAll(connections(), mapping, saved, { mode: 'direct' }), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject(
      _role === 'a superuser' ? [{ key: '[2]', cause: 'missing-parent' }, { key: '[4]' }] : [{ entity: 'child', cause: 'missing-parent' }],
    )
    expect(await db.query('TABLE child')).toEqual([])
    expect(await switches()).toEqual(before[1])
  })

  it('foresees that a record would take from a row the value that it refers to', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE);
      CREATE TABLE city (id int PRIMARY KEY, country text REFERENCES country (code));
      INSERT INTO country VALUES (1, 'fr'), (2, 'de')`)
    const countries = mappingOf(table('country', 'id code'))
    const saved = await saveAll(superuser.connections, countries)
    await db.query(`UPDATE country SET code = 'xx' WHERE id = 2; INSERT INTO city VALUES (1, 'xx'), (2, 'fr')`)
    const items = saved.entities.map((entity) => ({ ...itemOf(entity), mode: 'staged' as const }))
    await inTarget(connections(), countries, async (target) => {
      const lost = {
        entity: 'country',
        key: '[2]',
        line: 2,
        cause: 'missing-parent',
        message: expect.stringContaining('rows of public.city refer to a value of code'),
      }
      for (const item of items) expect((await target.stage(item)).problems).toEqual([])
      expect(await target.reconcile(items)).toMatchObject({ problems: [lost], problemCount: 1 })
      const error = await failure(target.merge(items, { sequences: [] }), 'E_RESTORE_REJECTED')
      expect(error.details.problems).toMatchObject([lost])
      await db.query(`UPDATE city SET country = 'fr'`)
      expect(await target.reconcile(items)).toMatchObject({ problems: [], problemCount: 0 })
      await target.merge(items, { sequences: [] })
    })
    expect(await db.query('TABLE country ORDER BY 1')).toEqual([
      { id: 1, code: 'fr' },
      { id: 2, code: 'de' },
    ])
  })

  it('moves a value that rows refer to from one row to another', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE);
      CREATE TABLE city (id int PRIMARY KEY, country text REFERENCES country (code), born text REFERENCES country (code));
      INSERT INTO country VALUES (1, 'fr'), (2, 'de'), (3, 'it'); INSERT INTO city VALUES (1, 'fr', 'it'), (2, 'fr', 'de'), (3, NULL, NULL)`)
    const both = mappingOf(table('country', 'id code'), table('city', 'id country born'))
    const [saved, rows, before] = [await saveAll(superuser.connections, both), await image(both), await switches()]
    await db.query(`
      DELETE FROM city; DELETE FROM country; INSERT INTO country VALUES (1, 'it'), (2, 'xx');
      INSERT INTO city VALUES (1, 'xx', 'it'), (2, 'xx', 'xx'), (3, 'it', 'xx')`)
    await restoreAll(connections(), both, saved)
    expect(await image(both)).toEqual(rows)
    expect(await switches()).toEqual(before)
  })

  it('moves a value from one row to another while rows outside the restore refer to it', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE);
      CREATE TABLE city (id int PRIMARY KEY, country text REFERENCES country (code));
      INSERT INTO country VALUES (1, 'fr'), (2, 'it')`)
    const countries = mappingOf(table('country', 'id code'))
    const [saved, rows] = [await saveAll(superuser.connections, countries), await image(countries)]
    await db.query(`DELETE FROM country; INSERT INTO country VALUES (1, 'it'); INSERT INTO city VALUES (1, 'it')`)
    await restoreAll(connections(), countries, saved)
    expect(await image(countries)).toEqual(rows)
  })

  it('restores references to values beside the key that may not be NULL', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE, name text);
      CREATE TABLE city (id int PRIMARY KEY, country text NOT NULL REFERENCES country (code));
      INSERT INTO country VALUES (1, 'fr', 'France'), (2, 'de', 'Germany'); INSERT INTO city VALUES (1, 'fr'), (2, 'de')`)
    const both = mappingOf(table('country', 'id code name'), table('city', 'id country'))
    const [saved, rows] = [await saveAll(superuser.connections, both), await image(both)]
    for (const mode of ['staged', 'direct'] as const) {
      await db.query('DELETE FROM city; DELETE FROM country')
      await restoreAll(connections(), both, saved, { mode })
      expect(await image(both)).toEqual(rows)
    }
    await db.query(`UPDATE country SET name = 'ruined'; UPDATE city SET country = 'fr'`)
    await restoreAll(connections(), both, saved)
    expect(await image(both)).toEqual(rows)
  })

  it('case 39: refuses unique clashes with rows that stay', async () => {
    const mapping = mappingOf(table('mail', 'id address'))
    await tables(`CREATE TABLE mail (id int PRIMARY KEY, address text UNIQUE); INSERT INTO mail VALUES (1, 'a'), (2, 'b'), (3, NULL)`)
    const saved = await saveAll(superuser.connections, mapping)
    await db.query(`DELETE FROM mail WHERE id = 1; INSERT INTO mail VALUES (7, 'a'), (8, NULL)`)
    const before = await image(mapping)
    const error = await failure(restoreAll(connections(), mapping, saved), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toEqual([
      {
        entity: 'mail',
        key: '[1]',
        line: 1,
        cause: 'unique-clash',
        message: 'address is unique (mail_address_key), and the live row [7], which stays, has the same value',
      },
    ])
    expect(await image(mapping)).toEqual(before)
  })

  it('case 39: never fires a trigger that writes, or says that it cannot be silenced', async () => {
    const mapping = mappingOf(table('doc', 'id body'))
    await tables(`
      CREATE TABLE doc (id int PRIMARY KEY, body text);
      CREATE TABLE audit (id int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit VALUES (1); NEW.body := 'changed'; RETURN NEW; END $$;
      INSERT INTO doc SELECT i, 'b' FROM generate_series(1, 4) i;
      CREATE TRIGGER note BEFORE INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION note();
      CREATE TRIGGER off BEFORE UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION note(); ALTER TABLE doc DISABLE TRIGGER off;
      CREATE TRIGGER always AFTER UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION note(); ALTER TABLE doc ENABLE ALWAYS TRIGGER always;
      CREATE TRIGGER copy AFTER UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION note(); ALTER TABLE doc ENABLE REPLICA TRIGGER copy`)
    const spoil = `DELETE FROM doc WHERE id = 1; ALTER TABLE doc DISABLE TRIGGER USER; UPDATE doc SET body = 'x' WHERE id = 2; ALTER TABLE doc ENABLE TRIGGER note; ALTER TABLE doc ENABLE ALWAYS TRIGGER always; ALTER TABLE doc ENABLE REPLICA TRIGGER copy`
    const enabled = () => db.query(`SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'doc'::regclass ORDER BY 1`)
    const before = await enabled()
    if (_role === 'a writer') {
      const saved = await saveAll(superuser.connections, mapping)
      await db.query(spoil)
      const error = await failure(restoreAll(connections(), mapping, saved), 'E_PERMISSION')
      expect(error.details.triggers).toEqual(['trigger "always" on public.doc', 'trigger "note" on public.doc'])
    } else {
      const { silenced } = await roundTrip(mapping, spoil)
      expect(silenced).toContain('trigger "note" on public.doc')
      expect(silenced).toContain('trigger "always" on public.doc')
      await roundTrip(mapping, 'TRUNCATE doc', 'direct')
    }
    expect(await db.query('TABLE audit')).toEqual([])
    expect(await enabled()).toEqual(before)
  })
})

describe('what only some roles can do', () => {
  const mapping = mappingOf(table('egg', 'id hen_id'), table('hen', 'id egg_id'))
  const create = () =>
    tables(`
      CREATE TABLE egg (id int PRIMARY KEY, hen_id int NOT NULL);
      CREATE TABLE hen (id int PRIMARY KEY, egg_id int NOT NULL REFERENCES egg);
      INSERT INTO egg SELECT i, i + 1 FROM generate_series(1, 5) i; INSERT INTO hen SELECT i + 1, i FROM generate_series(1, 5) i;
      ALTER TABLE egg ADD CONSTRAINT laid FOREIGN KEY (hen_id) REFERENCES hen`)

  it.each(ROLES.slice(0, 2))('case 39: restores a cycle of foreign keys that are neither nullable nor deferrable, as %s', async (_role, connections) => {
    await create()
    const [rows, before] = [await image(mapping), await switches()]
    const saved = await saveAll(superuser.connections, mapping)
    for (const mode of ['staged', 'direct'] as const) {
      await db.query('TRUNCATE egg, hen')
      await restoreAll(connections(), mapping, saved, { mode })
      expect(await image(mapping)).toEqual(rows)
      expect(await switches()).toEqual(before)
    }
  })

  it('refuses that cycle to anyone else, before anything', async () => {
    await create()
    const saved = await saveAll(superuser.connections, mapping)
    await db.query('TRUNCATE egg, hen')
    const error = await failure(restoreAll(writer.lane.connections, mapping, saved), 'E_PERMISSION')
    expect(error.message).toContain('"laid"')
    expect(await image(mapping)).toEqual({ egg: [], hen: [] })
  })

  it('refuses a swap of values that may not be NULL to a role that neither silences nor owns', async () => {
    await tables(`CREATE TABLE slot (id int PRIMARY KEY, pos int NOT NULL UNIQUE); INSERT INTO slot VALUES (1, 1), (2, 2)`)
    const slots = mappingOf(table('slot', 'id pos'))
    const saved = await saveAll(superuser.connections, slots)
    await db.query('UPDATE slot SET pos = -pos; UPDATE slot SET pos = 3 + pos')
    await failure(restoreAll(writer.lane.connections, slots, saved), 'E_PERMISSION')
    const before = await switches()
    const { merged } = await restoreAll(owner.lane.connections, slots, saved)
    expect(merged.silenced).toEqual(['NOT NULL of "public"."slot"."pos"'])
    expect(await db.query('TABLE slot ORDER BY id')).toEqual([
      { id: 1, pos: 1 },
      { id: 2, pos: 2 },
    ])
    expect(await switches()).toEqual(before)
  })

  it('refuses updates that would cascade where triggers cannot be silenced', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE);
      CREATE TABLE city (id int PRIMARY KEY, country text REFERENCES country (code) ON UPDATE CASCADE);
      INSERT INTO country VALUES (1, 'fr'), (2, 'de'); INSERT INTO city VALUES (1, 'de')`)
    const countries = mappingOf(table('country', 'id code'))
    const saved = await saveAll(superuser.connections, countries)
    await db.query(`UPDATE country SET code = 'xx' WHERE id = 2`)
    await failure(restoreAll(owner.lane.connections, countries, saved), 'E_PERMISSION')
    const error = await failure(restoreAll(superuser.connections, countries, saved), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject([{ entity: 'country', key: '[2]', cause: 'missing-parent' }])
    expect(await db.query('TABLE city')).toEqual([{ id: 1, country: 'xx' }])
    await db.query(`DELETE FROM city`)
    await restoreAll(superuser.connections, countries, saved)
    expect(await db.query('TABLE country ORDER BY 1')).toEqual([
      { id: 1, code: 'fr' },
      { id: 2, code: 'de' },
    ])
  })

  it('refuses a writer who would take a value from rows that can neither let go of it nor wait', async () => {
    await tables(`
      CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE);
      CREATE TABLE city (id int PRIMARY KEY, country text NOT NULL REFERENCES country (code));
      INSERT INTO country VALUES (1, 'fr'); INSERT INTO city VALUES (1, 'fr')`)
    const both = mappingOf(table('country', 'id code'), table('city', 'id country'))
    const [saved, rows] = [await saveAll(superuser.connections, both), await image(both)]
    const spoil = `DELETE FROM city; UPDATE country SET code = 'xx'; INSERT INTO city VALUES (1, 'xx')`
    await db.query(spoil)
    const error = await failure(restoreAll(writer.lane.connections, both, saved), 'E_PERMISSION')
    expect(error.message).toContain('"city_country_fkey"')
    for (const each of [owner.lane.connections, superuser.connections]) {
      await db.query(spoil)
      await restoreAll(each, both, saved)
      expect(await image(both)).toEqual(rows)
    }
  })

  it('finds clashes of a deferrable constraint whose trigger is silenced', async () => {
    await tables(`CREATE TABLE place (id int PRIMARY KEY, pos int)`)
    const places = mappingOf(table('place', 'id pos'))
    await db.query('INSERT INTO place VALUES (1, 1), (2, 1)')
    const saved = await saveAll(superuser.connections, places)
    await db.query('TRUNCATE place; ALTER TABLE place ADD UNIQUE (pos) DEFERRABLE INITIALLY DEFERRED')
    for (const mode of ['staged', 'direct'] as const) {
      const error = await failure(restoreAll(superuser.connections, places, saved, { mode }), 'E_RESTORE_REJECTED')
      expect(error.details.problems).toMatchObject([{ entity: 'place', cause: 'unique-clash' }])
    }
    expect(await db.query('TABLE place')).toEqual([])
  })

  it('names every right that is missing', async () => {
    await tables(`CREATE TABLE thing (id serial PRIMARY KEY, v int)`)
    await db.query(`REVOKE UPDATE ON thing FROM ${writer.name}`)
    const things = mappingOf(table('thing', 'id v'))
    const saved = await saveAll(superuser.connections, things)
    const error = await failure(restoreAll(writer.lane.connections, things, saved, { mode: 'direct' }), 'E_PERMISSION')
    expect(error.hint).toBe(`GRANT UPDATE ON "public"."thing" TO ${writer.name}; GRANT SELECT, UPDATE ON SEQUENCE public.thing_id_seq TO ${writer.name}`)
    await db.query(`REVOKE CREATE ON DATABASE ${db.name} FROM ${writer.name}`)
    const refused = await failure(restoreAll(writer.lane.connections, things, saved), 'E_PERMISSION')
    expect(refused.hint).toBe(`GRANT CREATE ON DATABASE ${db.name} TO ${writer.name}`)
    await db.query(`CREATE SCHEMA holdfast_staging`)
    const still = await failure(restoreAll(writer.lane.connections, things, saved), 'E_PERMISSION')
    expect(still.hint).toBe(`GRANT CREATE, USAGE ON SCHEMA holdfast_staging TO ${writer.name}`)
    await db.query(`DROP SCHEMA holdfast_staging; GRANT CREATE ON DATABASE ${db.name} TO ${writer.name}`)
  })
})
