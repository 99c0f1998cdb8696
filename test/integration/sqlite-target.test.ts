import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type {
  ConflictPolicy,
  EntityDescriptor,
  EntityMapping,
  MergeItem,
  MergeReport,
  ReconcileReport,
  RestoreItem,
  RestoreTarget,
} from '../../src/contracts/index.ts'
import { createSqliteFile, libsql, linesOf, readAll, type SqliteFile, tableMapping } from '../support/sqlite.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

type Kind = 'wal' | 'rollback journal' | 'memory'
const KINDS: readonly Kind[] = ['wal', 'rollback journal', 'memory']

function database(kind: Kind = 'wal'): SqliteFile {
  const made = createSqliteFile({ memory: kind === 'memory', wal: kind === 'wal' })
  open.push(made)
  return made
}

/** What the records of some entities are, taken by a view. */
interface Saved {
  readonly mappings: readonly EntityMapping[]
  readonly items: readonly { readonly record: EntityDescriptor; readonly batches: Awaited<ReturnType<typeof readAll>> }[]
}

async function save(file: SqliteFile, mappings: readonly EntityMapping[], ignore: readonly string[] = []): Promise<Saved> {
  const view = await file.store(mappings).openView({ entities: mappings.map(({ name }) => ({ entity: name, ignore })) })
  try {
    const items = []
    for (const record of view.entities) items.push({ record, batches: await readAll(view, record.name) })
    return { mappings, items }
  } finally {
    await view.close()
  }
}

function itemsOf(saved: Saved, policy: ConflictPolicy): RestoreItem[] {
  return saved.items.map(({ record, batches }) => ({ record, entity: record.name, policy, lines: linesOf(batches) }))
}

let restores = 0
async function target(file: SqliteFile, mappings: readonly EntityMapping[], sensitive: readonly string[] = []): Promise<RestoreTarget> {
  const opened = await file.store(mappings).openTarget({ entities: mappings.map(({ name }) => ({ entity: name, sensitive })), restoreId: `r${++restores}` })
  open.push(opened)
  return opened
}

async function staged(file: SqliteFile, saved: Saved, policy: ConflictPolicy): Promise<{ restore: RestoreTarget; items: MergeItem[] }> {
  const restore = await target(file, saved.mappings)
  const items = itemsOf(saved, policy).map((item): MergeItem => ({ ...item, mode: 'staged' }))
  for (const item of items) expect(await restore.stage(item)).toEqual({ entity: item.entity, rows: item.lines.rows, problems: [] })
  return { restore, items }
}

/** Stages, compares and merges; then nothing must be left of the staging. */
async function restore(file: SqliteFile, saved: Saved, policy: ConflictPolicy): Promise<{ look: ReconcileReport; report: MergeReport }> {
  const { restore: opened, items } = await staged(file, saved, policy)
  const look = await opened.reconcile(items)
  const report = await opened.merge(items, { sequences: [] })
  await opened.close()
  if (file.path !== ':memory:') expect(file.strangers()).toEqual([])
  return { look, report }
}

const counts = (look: ReconcileReport, at = 0) => {
  const { samples: _, absent, failed, delete: deleted, ...rest } = look.entities[at]!
  return { ...rest, ...(absent + failed + deleted > 0 ? { absent, failed, delete: deleted } : {}) }
}

const THINGS = 'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, version INTEGER, updated DATETIME)'
const things = tableMapping('things', ['id', 'name', 'version', 'updated'])
const versioned = { ...things, version: 'version' }
const dated = { ...things, updatedAt: 'updated' }
const fill = (rows: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) INSERT INTO things SELECT i, 'name ' || i, 1, '2024-01-01' FROM n`
const all = (file: SqliteFile, table = 'things') => file.rows(`SELECT * FROM ${table} ORDER BY 1`)

describe.each(KINDS)('restoring into SQLite (%s)', (kind) => {
  /** 100 rows were saved; since then 1–10 changed, 11–20 were deleted, 101–105 are new. */
  async function changed(mapping = things): Promise<{ file: SqliteFile; saved: Saved; before: unknown[][] }> {
    const file = database(kind)
    file.exec(`${THINGS}; ${fill(100)}`)
    const saved = await save(file, [mapping])
    const before = all(file)
    file.exec(
      `UPDATE things SET name = 'changed' WHERE id <= 10; DELETE FROM things WHERE id BETWEEN 11 AND 20; INSERT INTO things (id, name) VALUES (101, 'new'), (102, 'new'), (103, 'new'), (104, 'new'), (105, 'new')`,
    )
    return { file, saved, before }
  }

  it('overwrite: records win, extra rows stay', async () => {
    const { file, saved, before } = await changed()
    const { look, report } = await restore(file, saved, 'overwrite')
    expect(counts(look)).toEqual({ entity: 'things', create: 10, update: 10, identical: 80, keep: 0, conflict: 0, extra: 5 })
    expect(look.entities[0]!.samples.filter(({ action }) => action === 'create')).toHaveLength(5)
    expect(look.entities[0]!.samples.find(({ action }) => action === 'update')).toEqual({
      action: 'update',
      key: '[1]',
      changes: [{ field: 'name', live: 'changed', record: 'name 1' }],
    })
    expect(report.entities).toMatchObject([{ entity: 'things', created: 10, updated: 10 }])
    expect(all(file).slice(0, 100)).toEqual(before)
    expect(all(file)).toHaveLength(105)
  })

  it('skip: live rows win, missing rows are created', async () => {
    const { file, saved, before } = await changed()
    const { look, report } = await restore(file, saved, 'skip')
    expect(counts(look)).toEqual({ entity: 'things', create: 10, update: 0, identical: 80, keep: 10, conflict: 0, extra: 5 })
    expect(report.entities).toMatchObject([{ entity: 'things', created: 10, updated: 0 }])
    expect(file.value(`SELECT count(*) FROM things WHERE name = 'changed'`)).toBe(10n)
    expect(all(file).slice(10, 100)).toEqual(before.slice(10))
  })

  it('fail: any difference refuses all of it', async () => {
    const { file, saved } = await changed()
    const now = all(file)
    const { restore: opened, items } = await staged(file, saved, 'fail')
    expect(counts(await opened.reconcile(items))).toMatchObject({ create: 10, conflict: 10, identical: 80 })
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({
      code: 'E_RESTORE_CONFLICT',
      details: { conflicts: [{ entity: 'things', rows: 10, keys: ['[1]', '[2]', '[3]', '[4]', '[5]'] }] },
    })
    expect(all(file)).toEqual(now)
    // The same staging area serves another policy.
    const again = items.map((item): MergeItem => ({ ...item, policy: 'overwrite' }))
    expect((await opened.merge(again, { sequences: [] })).entities).toMatchObject([{ entity: 'things', created: 10, updated: 10 }])
  })

  it.each([
    ['version', versioned, `version = CASE id WHEN 1 THEN 0 WHEN 2 THEN 2 END`],
    ['updated-at', dated, `updated = CASE id WHEN 1 THEN '2023-12-31' WHEN 2 THEN '2024-01-02' END`],
  ])('newer-version-wins by %s: older live rows give way, newer ones stay, equal ones are a conflict', async (_name, mapping, set) => {
    const { file, saved, before } = await changed(mapping)
    file.exec(`UPDATE things SET name = 'name ' || id WHERE id BETWEEN 3 AND 10; UPDATE things SET ${set} WHERE id <= 2`)
    const { look } = await restore(file, saved, 'newer-version-wins')
    expect(counts(look)).toEqual({ entity: 'things', create: 10, update: 1, identical: 88, keep: 1, conflict: 0, extra: 5 })
    expect(all(file)[0]).toEqual(before[0])
    expect(all(file)[1]![1]).toBe('changed')
    file.exec(`UPDATE things SET name = 'equal version' WHERE id = 3`)
    const { restore: opened, items } = await staged(file, saved, 'newer-version-wins')
    expect(counts(await opened.reconcile(items))).toMatchObject({ conflict: 1 })
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_CONFLICT' })
  })

  it('a computed column whose expression changed since makes no row differ', async () => {
    const file = database(kind)
    const table = (expression: string) => `CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, loud TEXT GENERATED ALWAYS AS (${expression}) VIRTUAL)`
    file.exec(`${table('upper(name)')}; INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b')`)
    const saved = await save(file, [tableMapping('things', ['id', 'name', 'loud'])])
    file.exec(`DROP TABLE things; ${table(`name || '!'`)}; INSERT INTO things (id, name) VALUES (1, 'a'), (2, 'b')`)
    const { look } = await restore(file, saved, 'fail')
    expect(counts(look)).toEqual({ entity: 'things', create: 0, update: 0, identical: 2, keep: 0, conflict: 0, extra: 0 })
  })

  it('newer-version-wins without a version to go by is a conflict', async () => {
    const { file, saved } = await changed()
    const { restore: opened, items } = await staged(file, saved, 'newer-version-wins')
    expect(counts(await opened.reconcile(items))).toMatchObject({ create: 10, conflict: 10 })
  })

  it('writes nothing when everything is identical', async () => {
    const file = database(kind)
    file.exec(`${THINGS}; ${fill(2000)}`)
    const saved = await save(file, [things])
    const changes = file.value('SELECT total_changes()')
    const version = file.value('PRAGMA data_version')
    const { look, report } = await restore(file, saved, 'overwrite')
    expect(counts(look)).toMatchObject({ identical: 2000, extra: 0 })
    expect(report.entities).toMatchObject([{ entity: 'things', created: 0, updated: 0 }])
    if (kind === 'memory') expect(file.value('SELECT total_changes()')).toBeGreaterThan(changes as bigint) // the work tables of the staging area
    else expect(file.value('PRAGMA data_version')).toBe(version)
  })

  it('loads an empty table directly, and refuses when it no longer is empty', async () => {
    const { file, saved, before } = await changed()
    const direct = itemsOf(saved, 'overwrite').map((item): MergeItem => ({ ...item, mode: 'direct' }))
    const refused = await target(file, saved.mappings)
    await expect(refused.merge(direct, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_MOVED' })
    await refused.close()
    file.exec('DELETE FROM things')
    const opened = await target(file, saved.mappings)
    expect(await opened.isEmpty('things')).toBe(true)
    const seen: number[] = []
    const report = await opened.merge(direct, { sequences: [], onProgress: (_entity, rows) => seen.push(rows) })
    expect(report.entities).toMatchObject([{ entity: 'things', created: 100, updated: 0 }])
    expect(seen.at(-1)).toBe(100)
    expect(all(file)).toEqual(before)
    expect(await opened.isEmpty('things')).toBe(false)
  })

  it('heeds cycles and self references, keeps triggers quiet and gives them back letter for letter', async () => {
    const file = database(kind)
    const trigger = `CREATE TRIGGER   "Log it" AFTER INSERT ON a -- a comment; with "quotes"\nBEGIN INSERT INTO log VALUES ('a ' || NEW.id); END`
    file.exec(`
      CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES b DEFERRABLE INITIALLY DEFERRED, up INTEGER REFERENCES a);
      CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id) ON DELETE CASCADE);
      CREATE TABLE log (what TEXT);
      BEGIN; INSERT INTO a VALUES (1, 11, 2), (2, 12, 2), (3, 13, 1); INSERT INTO b VALUES (11, 3), (12, 1), (13, NULL); COMMIT`)
    file.exec(trigger)
    file.exec(
      `CREATE TRIGGER no BEFORE UPDATE ON b BEGIN SELECT RAISE(ABORT, 'never'); END; CREATE TRIGGER nor BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'never'); END`,
    )
    const schema = file.rows(`SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name`)
    const saved = await save(file, [tableMapping('a', ['id', 'b', 'up']), tableMapping('b', ['id', 'a'])])
    const [as, bs] = [all(file, 'a'), all(file, 'b')]
    file.exec(
      `PRAGMA foreign_keys = OFF; DROP TRIGGER nor; DROP TRIGGER no; DELETE FROM a WHERE id <> 3; UPDATE b SET a = NULL; DELETE FROM b WHERE id = 12; DELETE FROM log`,
    )
    file.exec(
      `CREATE TRIGGER no BEFORE UPDATE ON b BEGIN SELECT RAISE(ABORT, 'never'); END; CREATE TRIGGER nor BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'never'); END; PRAGMA foreign_keys = ON`,
    )
    const { look, report } = await restore(file, saved, 'overwrite')
    expect(look.problems).toEqual([])
    expect(report.entities).toMatchObject([
      { entity: 'a', created: 2, updated: 0 },
      { entity: 'b', created: 1, updated: 1 },
    ])
    expect(report.silenced).toEqual(['trigger Log it on a', 'trigger nor on a', 'trigger no on b', expect.stringContaining('foreign keys')])
    expect([all(file, 'a'), all(file, 'b')]).toEqual([as, bs])
    expect(all(file, 'log')).toEqual([])
    expect(file.rows(`SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name`)).toEqual(schema)
    expect(file.rows('PRAGMA foreign_key_check')).toEqual([])
    expect(file.value('PRAGMA foreign_keys')).toBe(1n)
  })

  it('refuses records without parents, naming them, and changes nothing', async () => {
    const file = database(kind)
    file.exec(`
      CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
      CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents);
      CREATE TRIGGER t AFTER INSERT ON children BEGIN SELECT 1; END;
      INSERT INTO parents VALUES (1, 'a'), (2, 'b'); INSERT INTO children VALUES (10, 1), (11, 2), (12, NULL), (13, 2)`)
    const [parents, children] = [tableMapping('parents', ['id', 'name']), tableMapping('children', ['id', 'parent'])]
    const both = await save(file, [parents, children])
    const alone = await save(file, [children])
    file.exec('DELETE FROM children; DELETE FROM parents WHERE id = 2')
    const now = file.rows('SELECT name, sql FROM sqlite_schema')

    const { restore: opened, items } = await staged(file, alone, 'overwrite')
    const problem = (key: string, line: number) => ({
      entity: 'children',
      key,
      line,
      cause: 'missing-parent',
      message: 'parent: there is no such row in "parents" and not among the records either',
    })
    const look = await opened.reconcile(items, { problemLimit: 1 })
    expect(look).toMatchObject({ problems: [problem('[11]', 2)], problemCount: 2 })
    const refusal = { code: 'E_RESTORE_REJECTED', details: { problems: [problem('[11]', 2), problem('[13]', 4)], problemCount: 2 } }
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject(refusal)
    const direct = items.map((item): MergeItem => ({ ...item, mode: 'direct' }))
    await expect(opened.merge(direct, { sequences: [] })).rejects.toMatchObject({
      code: 'E_RESTORE_REJECTED',
      details: { problemCount: 2, problems: [{ key: '[11]', cause: 'missing-parent' }, { key: '[13]' }] },
    })
    expect(all(file, 'children')).toEqual([])
    expect(file.rows('SELECT name, sql FROM sqlite_schema')).toEqual(now)
    await opened.close()

    expect((await restore(file, both, 'overwrite')).report.entities).toMatchObject([
      { entity: 'parents', created: 1, updated: 0 },
      { entity: 'children', created: 4, updated: 0 },
    ])
  })

  it('does not count references that were broken before and are not touched', async () => {
    const file = database(kind)
    file.exec(`
      CREATE TABLE parents (id INTEGER PRIMARY KEY);
      CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents, note TEXT);
      PRAGMA foreign_keys = OFF; INSERT INTO children VALUES (1, 99, 'a'), (2, 98, 'a'); PRAGMA foreign_keys = ON`)
    const saved = await save(file, [tableMapping('children', ['id', 'parent', 'note'])])
    file.exec(`PRAGMA foreign_keys = OFF; UPDATE children SET note = 'ruined' WHERE id = 1; PRAGMA foreign_keys = ON`)
    expect((await restore(file, saved, 'overwrite')).report.entities).toMatchObject([{ entity: 'children', created: 0, updated: 1 }])
    expect(all(file, 'children')).toEqual([
      [1n, 99n, 'a'],
      [2n, 98n, 'a'],
    ])
    file.exec(`PRAGMA foreign_keys = OFF; UPDATE children SET parent = NULL WHERE id = 2; PRAGMA foreign_keys = ON`)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_REJECTED', details: { problems: [{ key: '[2]' }] } })
  })

  it('lets rows swap unique values, in rings, with columns that the records lack kept as they are', async () => {
    const file = database(kind)
    file.exec(`
      CREATE TABLE things (id TEXT NOT NULL PRIMARY KEY, slot INTEGER NOT NULL UNIQUE, name TEXT, secret TEXT, loud TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL);
      CREATE UNIQUE INDEX low ON things (lower(name)); CREATE UNIQUE INDEX part ON things (secret, name) WHERE slot > 1;
      INSERT INTO things (rowid, id, slot, name, secret) VALUES (7, 'a', 1, 'x', 's1'), (9, 'b', 2, 'y', 's2'), (11, 'c', 3, 'z', 's3'), (13, 'd', 4, 'w', 's4')`)
    const mapping = tableMapping('things', ['id', 'slot', 'name', 'secret', 'loud'])
    const saved = await save(file, [mapping], ['secret'])
    const before = file.rows('SELECT rowid, * FROM things ORDER BY id')
    file.exec(
      `UPDATE things SET slot = slot + 100, name = name || '!'; UPDATE things SET slot = CASE id WHEN 'a' THEN 2 WHEN 'b' THEN 3 WHEN 'c' THEN 1 ELSE 4 END, name = CASE id WHEN 'a' THEN 'Y' WHEN 'b' THEN 'X' WHEN 'c' THEN 'z' ELSE 'w' END`,
    )
    const { look, report } = await restore(file, saved, 'overwrite')
    expect(look.problems).toEqual([])
    expect(counts(look)).toMatchObject({ update: 3, identical: 1 })
    expect(report.entities).toMatchObject([{ entity: 'things', created: 0, updated: 3 }])
    expect(file.rows('SELECT rowid, * FROM things ORDER BY id')).toEqual(before)
    expect(file.rows('PRAGMA integrity_check')).toEqual([['ok']])
  })

  it('refuses unique values that another row keeps', async () => {
    const file = database(kind)
    file.exec(
      `CREATE TABLE things (id INTEGER PRIMARY KEY, mail TEXT UNIQUE COLLATE NOCASE); INSERT INTO things VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, NULL)`,
    )
    const saved = await save(file, [tableMapping('things', ['id', 'mail'])])
    file.exec(
      `DELETE FROM things WHERE id = 1; UPDATE things SET mail = 'A' WHERE id = 2; DELETE FROM things WHERE id > 2; INSERT INTO things VALUES (50, 'B')`,
    )
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    const look = await opened.reconcile(items)
    expect(look.problems).toEqual([{ entity: 'things', key: '[2]', line: 2, cause: 'unique-clash', message: 'another row has the same mail' }])
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_REJECTED' })
    const skip = items.map((item): MergeItem => ({ ...item, policy: 'skip' }))
    expect((await opened.reconcile(skip)).problems).toMatchObject([{ key: '[1]', cause: 'unique-clash' }])
    expect(all(file)).toEqual([
      [2n, 'A'],
      [50n, 'B'],
    ])
  })

  it('refuses what NOT NULL, CHECK and STRICT refuse, naming the records, and obeys no ON CONFLICT clause of the table', async () => {
    const file = database(kind)
    file.exec(
      `CREATE TABLE things (id INTEGER PRIMARY KEY, a INTEGER, b TEXT); INSERT INTO things VALUES (1, 1, 'x'), (2, NULL, 'y'), (3, -3, 'z'), (4, 4, 'same')`,
    )
    const saved = await save(file, [tableMapping('things', ['id', 'a', 'b'])])
    file.exec(
      `DROP TABLE things; CREATE TABLE things (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a INTEGER NOT NULL ON CONFLICT IGNORE CHECK (a > 0), b TEXT UNIQUE ON CONFLICT REPLACE); INSERT INTO things VALUES (50, 5, 'same'), (51, 5, 'other')`,
    )
    const now = all(file)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    const look = await opened.reconcile(items)
    expect(look.problems.map(({ key, cause }) => [key, cause])).toEqual([
      ['[2]', 'validation'],
      ['[4]', 'unique-clash'],
    ])
    file.exec(`DELETE FROM things WHERE id = 50`)
    const direct = await save(file, [tableMapping('things', ['id', 'a', 'b'])])
    expect(direct.items[0]!.batches[0]!.rows).toBe(1)
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ details: { problems: [{ key: '[2]', cause: 'validation' }] } })
    file.exec(
      `DROP TABLE things; CREATE TABLE things (id INTEGER PRIMARY KEY, a INTEGER CHECK (a IS NULL OR a > 0), b TEXT UNIQUE ON CONFLICT REPLACE); INSERT INTO things VALUES (51, 5, 'other')`,
    )
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_MOVED' })
    const fresh = await staged(file, saved, 'overwrite')
    await expect(fresh.restore.merge(fresh.items, { sequences: [] })).rejects.toMatchObject({
      details: { problemCount: 1, problems: [{ key: '[3]', line: 3, cause: 'validation', message: expect.stringContaining('CHECK constraint') }] },
    })
    expect(all(file)).toEqual([now[1]])
  })

  it('tells apart what SQLite calls equal: letters under NOCASE, 1 and 1.0, 0.0 and -0.0', async () => {
    const file = database(kind)
    file.exec(`CREATE TABLE things (id TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, any, name TEXT COLLATE NOCASE)`)
    for (const row of [
      ['a', 1n, 'x'],
      ['b', 1n, 'x'],
      ['c', -0, 'x'],
      ['d', 0, 'x'],
      ['e', 0, 'x'],
      ['f', 'x', 'x'],
    ] as const)
      file.insert('things', row)
    const saved = await save(file, [tableMapping('things', ['id', 'any', 'name'])])
    const before = all(file)
    file.exec('DELETE FROM things')
    for (const row of [
      ['A', 1n, 'x'],
      ['b', 1, 'X'],
      ['c', 0, 'x'],
      ['d', -0, 'x'],
      ['e', 0, 'x'],
      ['f', Buffer.from('x'), 'x'],
    ] as const)
      file.insert('things', row)
    const { look } = await restore(file, saved, 'overwrite')
    expect(counts(look)).toMatchObject({ create: 0, update: 5, identical: 1, extra: 0 })
    expect(all(file).map((row) => row.map((value) => (Object.is(value, -0) ? '-0' : value)))).toEqual(
      before.map((row) => row.map((value) => (Object.is(value, -0) ? '-0' : value))),
    )
  })

  it('moves sequences forward only', async () => {
    const file = database(kind)
    file.exec(`CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT); INSERT INTO things VALUES (5, 'a')`)
    const saved = await save(file, [tableMapping('things', ['id', 'name'])])
    const merge = async (lastValue: string | null) => {
      const { restore: opened, items } = await staged(file, saved, 'overwrite')
      await opened.merge(items, { sequences: [{ entity: 'things', field: 'id', lastValue }] })
      await opened.close()
      return file.value(`SELECT seq FROM sqlite_sequence WHERE name = 'things'`)
    }
    expect(await merge('3')).toBe(5n)
    expect(await merge('77')).toBe(77n)
    expect(await merge('12')).toBe(77n)
    file.exec(`DELETE FROM things; DELETE FROM sqlite_sequence`)
    expect(await merge(null)).toBe(5n)
    file.exec(`DELETE FROM things; DELETE FROM sqlite_sequence`)
    const opened = await target(file, saved.mappings)
    await opened.merge(
      itemsOf(saved, 'fail').map((item): MergeItem => ({ ...item, mode: 'direct' })),
      { sequences: [{ entity: 'things', field: 'id', lastValue: '9' }] },
    )
    expect(file.value(`SELECT seq FROM sqlite_sequence WHERE name = 'things'`)).toBe(9n)
  })

  it.each([
    { type: 'TEXT', foreseen: 1, named: { entity: 'codes', key: '[1]' } },
    // Another affinity: SQLite converts to compare, so only the look after writing can tell.
    { type: '', foreseen: 0, named: { entity: 'uses', key: null } },
  ])('refuses to take a value from rows that point at a column, not the key, by a column of type "$type"', async ({ type, foreseen, named }) => {
    const file = database(kind)
    file.exec(`
      CREATE TABLE codes (id INTEGER PRIMARY KEY, code TEXT UNIQUE); CREATE TABLE uses (id INTEGER PRIMARY KEY, code ${type} REFERENCES codes (code));
      INSERT INTO codes VALUES (1, 'old'), (2, 'two')`)
    const saved = await save(file, [tableMapping('codes', ['id', 'code'])])
    file.exec(`UPDATE codes SET code = 'new' WHERE id = 1; INSERT INTO uses VALUES (1, 'new'), (2, 'two')`)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    expect((await opened.reconcile(items)).problemCount).toBe(foreseen)
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({
      code: 'E_RESTORE_REJECTED',
      details: { problems: [{ ...named, cause: 'missing-parent' }] },
    })
    expect(file.value('SELECT code FROM codes WHERE id = 1')).toBe('new')
    file.exec('DELETE FROM uses WHERE id = 1')
    expect((await opened.reconcile(items)).problemCount).toBe(0)
    expect((await opened.merge(items, { sequences: [] })).entities).toMatchObject([{ entity: 'codes', created: 0, updated: 1 }])
  })

  it('rolls everything back when its signal aborts in the middle', async () => {
    const file = database(kind)
    file.exec(`${THINGS}; ${fill(100_000)}; CREATE TRIGGER t AFTER UPDATE ON things BEGIN SELECT 1; END`)
    const saved = await save(file, [things])
    file.exec(`UPDATE things SET name = 'ruined'`)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    const abort = new AbortController()
    const merging = opened.merge(items, { sequences: [], signal: abort.signal, onProgress: () => abort.abort() })
    if (kind === 'memory') {
      // There it happens in one go, between two breaths: the abort comes too late, and what is done is done.
      await merging
      expect(file.value(`SELECT count(*) FROM things WHERE name = 'ruined'`)).toBe(0n)
      return
    }
    await expect(merging).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(file.value(`SELECT count(*) FROM things WHERE name = 'ruined'`)).toBe(100_000n)
    expect(file.value(`SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'`)).toBe(1n)
    await opened.merge(items, { sequences: [] })
    expect(file.value(`SELECT count(*) FROM things WHERE name = 'ruined'`)).toBe(0n)
  })
})

describe('what a SQLite target refuses', () => {
  it('records that do not fit the schema, listing everything', async () => {
    const file = database()
    file.exec(`CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, price REAL, gone TEXT)`)
    const saved = await save(file, [tableMapping('things', ['id', 'name', 'price', 'gone'])])
    file.exec(`DROP TABLE things; CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, price DECIMAL)`)
    const opened = await target(file, [tableMapping('things', ['id', 'name', 'price'])])
    await expect(opened.stage(itemsOf(saved, 'fail')[0]!)).rejects.toMatchObject({
      code: 'E_SCHEMA_DRIFT',
      details: { entity: 'things', problems: ['price was REAL (real) and is numeric now', 'gone has no column in things'] },
    })
    const foreign = {
      ...saved.items[0]!.record,
      fields: saved.items[0]!.record.fields.slice(0, 2).map((field) => ({ ...field, type: { kind: 'text' as const }, dbType: 'uuid' })),
    }
    await expect(opened.stage({ ...itemsOf(saved, 'fail')[0]!, record: foreign })).rejects.toMatchObject({ code: 'E_SCHEMA_DRIFT' })
  })

  it('finds the column of a renamed property, and defaults a column that is new', async () => {
    const file = database()
    file.exec(`CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO things VALUES (1, 'a')`)
    const old = {
      ...tableMapping('things', ['id', 'name']),
      fields: [
        { path: 'id', column: 'id' },
        { path: 'oldName', column: 'name' },
      ],
    }
    const saved = await save(file, [old])
    file.exec(`DELETE FROM things; ALTER TABLE things ADD COLUMN more TEXT NOT NULL DEFAULT 'd'`)
    const renamed = { ...saved, mappings: [{ ...old, fields: [...tableMapping('things', ['id', 'name', 'more']).fields] }] }
    await restore(file, renamed, 'fail')
    expect(all(file)).toEqual([[1n, 'a', 'd']])
  })

  it('malformed lines, with their number', async () => {
    const file = database()
    file.exec(THINGS)
    const saved = await save(file, [things])
    const opened = await target(file, [things])
    const stage = (lines: string[]) => opened.stage({ ...itemsOf(saved, 'fail')[0]!, lines: linesOf(lines) })
    const good = '{"id":1,"name":"a","version":null,"updated":null}'
    await expect(stage([good, good.replace('"a"', '1')])).rejects.toMatchObject({ code: 'E_RECORD', details: { entity: 'things', line: 2 } })
    await expect(stage([good, '', good])).rejects.toMatchObject({ code: 'E_RECORD', details: { line: 2 } })
    await expect(stage([good, good.replace('"name"', '"nick"')])).rejects.toMatchObject({ code: 'E_RECORD', details: { line: 2 } })
    // Well-formed, but a NUMERIC column would turn the text into a number.
    expect(await stage([good, good.replace('"updated":null', '"updated":"12"')])).toMatchObject({
      rows: 1,
      problems: [{ line: 2, key: '[1]', cause: 'validation' }],
    })
  })

  it('a merge of what was not staged, an unknown entity, a second restore of the same id, a bad id', async () => {
    const file = database()
    file.exec(THINGS)
    const saved = await save(file, [things])
    const opened = await target(file, [things])
    const [item] = itemsOf(saved, 'fail')
    await expect(opened.merge([{ ...item!, mode: 'staged' }], { sequences: [] })).rejects.toMatchObject({ code: 'E_CONFIG' })
    await expect(opened.isEmpty('nobody')).rejects.toMatchObject({ code: 'E_ENTITY_UNKNOWN' })
    const again = (restoreId: string) => file.store([things]).openTarget({ entities: [{ entity: 'things' }], restoreId })
    await expect(again(`r${restores}`)).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    await expect(again('../x')).rejects.toMatchObject({ code: 'E_CONFIG' })
    await opened.close()
    await opened.close()
    await expect(opened.isEmpty('things')).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
  })

  it('shows no value of a sensitive field', async () => {
    const file = database()
    file.exec(`${THINGS}; ${fill(3)}`)
    const saved = await save(file, [things])
    file.exec(`UPDATE things SET name = 'hush', version = 2`)
    const opened = await target(file, [things], ['name'])
    const [item] = itemsOf(saved, 'overwrite')
    await opened.stage(item!)
    const look = await opened.reconcile([item!], { samples: 1 })
    expect(look.entities[0]!.samples).toEqual([
      {
        action: 'update',
        key: '[1]',
        changes: [
          { field: 'name', live: '•••', record: '•••' },
          { field: 'version', live: 2, record: 1 },
        ],
      },
    ])
  })
})

describe('a busy SQLite database', () => {
  it('waits for the writer, gives up in time, and lets others read and write afterwards', { timeout: 30_000 }, async () => {
    const file = database()
    file.exec(`${THINGS}; ${fill(1000)}`)
    const saved = await save(file, [things])
    file.exec(`UPDATE things SET name = 'ruined'`)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    file.exec('BEGIN IMMEDIATE')
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_STORE_FAILED', retryable: true })
    setTimeout(() => file.exec('ROLLBACK'), 100)
    await opened.merge(items, { sequences: [] })
    file.exec(`INSERT INTO things (id) VALUES (5000)`)
    expect(file.value(`SELECT count(*) FROM things WHERE name LIKE 'name %'`)).toBe(1000n)
  })

  it('compares again under its lock: what a writer did after the comparison is neither lost nor overwritten unseen', async () => {
    const file = database()
    file.exec(`${THINGS}; ${fill(100)}`)
    const saved = await save(file, [things])
    file.exec(`DELETE FROM things WHERE id = 5`)
    const { restore: opened, items } = await staged(file, saved, 'fail')
    expect(counts(await opened.reconcile(items))).toMatchObject({ create: 1, conflict: 0 })
    file.exec(`UPDATE things SET name = 'meanwhile' WHERE id = 7`)
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_CONFLICT' })
    expect(file.value('SELECT count(*) FROM things')).toBe(99n)
    file.exec('ALTER TABLE things ADD COLUMN more')
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_RESTORE_MOVED', retryable: true })
  })

  it('shows readers the old state or the new one, never a part of it', async () => {
    const file = database()
    file.exec(`${THINGS}; ${fill(50_000)}`)
    const saved = await save(file, [things])
    file.exec(`UPDATE things SET name = 'ruined'`)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    const seen = new Set<unknown>()
    const timer = setInterval(() => seen.add(file.value(`SELECT count(*) FROM things WHERE name = 'ruined'`)), 1)
    await opened.merge(items, { sequences: [] })
    clearInterval(timer)
    expect([...seen].filter((count) => count !== 50_000n && count !== 0n)).toEqual([])
    expect(seen.has(50_000n)).toBe(true)
  })

  it('keeps out of a transaction of the application in memory, and gives up in time', { timeout: 30_000 }, async () => {
    const file = database('memory')
    file.exec(`${THINGS}; ${fill(100)}`)
    const saved = await save(file, [things])
    file.exec(`DELETE FROM things WHERE id > 50`)
    const { restore: opened, items } = await staged(file, saved, 'overwrite')
    file.exec(`BEGIN; UPDATE things SET name = 'open' WHERE id = 1`)
    await expect(opened.merge(items, { sequences: [] })).rejects.toMatchObject({ code: 'E_STORE_FAILED', retryable: true })
    setTimeout(() => file.exec('COMMIT'), 100)
    expect((await opened.merge(items, { sequences: [] })).entities).toMatchObject([{ entity: 'things', created: 50, updated: 1 }])
    expect(file.rows('PRAGMA database_list').map(([, name]) => name)).not.toContain('holdfast')
  })
})

describe("a database in memory, whose only connection is the application's", () => {
  /** The application begins a transaction as soon as somebody has seen that it has none open: as its own code may do between two `await`s of ours. */
  function eagerApplication(file: SqliteFile) {
    let armed = true
    return {
      prepare: (sql: string) => file.app.prepare(sql),
      exec: (sql: string) => file.app.exec(sql),
      close: () => {},
      get inTransaction() {
        const open = file.app.inTransaction
        if (!open && armed) {
          armed = false
          queueMicrotask(() => {
            file.exec(`BEGIN; INSERT INTO things (id, name) VALUES (900, 'mine')`)
            setTimeout(() => file.exec('COMMIT'), 50)
          })
        }
        return open
      },
    }
  }

  it('is restored beside a transaction that begins at that very moment, which loses nothing', async () => {
    const file = database('memory')
    file.exec(`${THINGS}; ${fill(100)}`)
    const saved = await save(file, [things])
    file.exec(`DELETE FROM things WHERE id > 50`)
    const opened = await file
      .store(saved.mappings, { ormDatabase: eagerApplication(file) })
      .openTarget({ entities: [{ entity: 'things' }], restoreId: 'eager' })
    open.push(opened)
    const items = itemsOf(saved, 'overwrite').map((item): MergeItem => ({ ...item, mode: 'staged' }))
    await opened.stage(items[0]!)
    const { entities } = await opened.merge(items, { sequences: [] })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(entities).toMatchObject([{ entity: 'things', created: 50 }])
    expect(file.value('SELECT name FROM things WHERE id = 900')).toBe('mine')
    expect(file.value('PRAGMA foreign_keys')).toBe(1n)
  })

  it('is backed up without what such a transaction has not committed', async () => {
    const file = database('memory')
    file.exec(`${THINGS}; ${fill(100)}`)
    const view = await file.store([things], { ormDatabase: eagerApplication(file) }).openView({ entities: [{ entity: 'things' }] })
    open.push(view)
    expect((await view.estimate('things')).rows).toBe(100)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(file.value('SELECT name FROM things WHERE id = 900')).toBe('mine')
  })

  it('leaves nothing of killed restores behind: the next sweeps what nobody holds, and only that', async () => {
    const before = process.env.TMPDIR
    const file = database('memory')
    process.env.TMPDIR = file.folder
    try {
      file.exec(`${THINGS}; ${fill(3)}`)
      const saved = await save(file, [things])
      const killed = join(file.folder, 'holdfast-memory-killed')
      const strange = join(file.folder, 'holdfast-memory-strange')
      const empty = join(file.folder, 'holdfast-memory-empty')
      for (const folder of [killed, strange, empty]) mkdirSync(folder)
      const stage = new libsql(join(killed, 'memory.stage'))
      stage.exec('PRAGMA journal_mode = wal; CREATE TABLE s0 (n)')
      stage.close()
      writeFileSync(join(strange, 'notes.txt'), 'not ours')
      const longAgo = new Date(Date.now() - 60_000)
      for (const folder of [killed, empty]) utimesSync(folder, longAgo, longAgo)
      const first = await staged(file, saved, 'overwrite')
      const left = () => readdirSync(file.folder).filter((name) => name.startsWith('holdfast-memory-'))
      expect(left()).toHaveLength(2)
      expect(left()).toContain('holdfast-memory-strange')
      const second = await staged(file, saved, 'overwrite')
      expect(left()).toHaveLength(3)
      await first.restore.merge(first.items, { sequences: [] })
      await second.restore.close()
      await first.restore.close()
      expect(left()).toEqual(['holdfast-memory-strange'])
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
  })
})

describe('a restore that is killed', () => {
  it.each(['wal', 'rollback journal'] as const)('leaves the database as it was and is swept by the next (%s)', { timeout: 180_000 }, async (kind) => {
    const file = database(kind)
    file.exec(`${THINGS}; ${fill(60_000)}; CREATE TRIGGER t AFTER UPDATE ON things BEGIN SELECT RAISE(ABORT, 'never'); END`)
    const saved = await save(file, [things])
    file.exec(`DROP TRIGGER t; UPDATE things SET name = 'ruined'; CREATE TRIGGER t AFTER UPDATE ON things BEGIN SELECT RAISE(ABORT, 'never'); END`)
    const schema = file.rows('SELECT name, sql FROM sqlite_schema ORDER BY name')
    const script = `
      const { openSqliteFile, tableMapping, linesOf } = await import(${JSON.stringify(new URL('../support/sqlite.ts', import.meta.url).href)})
      const [, folder, path, record, kind] = process.argv
      const file = openSqliteFile(folder, path, kind === 'wal')
      file.app.close()
      const mapping = [tableMapping('things', ['id', 'name', 'version', 'updated'])]
      const target = await file.store(mapping).openTarget({ entities: [{ entity: 'things' }], restoreId: 'killed-' + process.pid })
      const lines = linesOf(Array.from({ length: 60000 }, (_, at) => JSON.stringify({ id: at + 1, name: 'name ' + (at + 1), version: 1, updated: '2024-01-01' })))
      const item = { record: JSON.parse(record), entity: 'things', policy: 'overwrite', lines, mode: 'staged' }
      await target.stage(item)
      process.stdout.write('staged')
      await target.merge([item], { sequences: [], onProgress: () => process.stdout.write('.') })
      process.stdout.write('merged')
      setInterval(() => {}, 1000)`
    let killedInside = 0
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', file.folder, file.path, JSON.stringify(saved.items[0]!.record), kind], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.setEncoding('utf8')
      const exited = once(child, 'exit')
      await new Promise<void>((done) => {
        child.stdout.on('data', (text: string) => {
          said += text
          if (said.includes('.') || said.includes('merged')) done()
        })
        child.on('exit', () => done())
      })
      expect(said).toContain('staged')
      child.kill('SIGKILL')
      await exited
      const merged = said.includes('merged')
      if (!merged) {
        killedInside++
        expect(file.strangers().length).toBeGreaterThan(0)
        expect(file.value(`SELECT count(*) FROM things WHERE name = 'ruined'`)).toBe(60_000n)
      }
      expect(file.rows('SELECT name, sql FROM sqlite_schema ORDER BY name')).toEqual(schema)
      expect(file.rows('PRAGMA integrity_check')).toEqual([['ok']])
      if (merged) break
    }
    expect(killedInside).toBeGreaterThan(0)
    const { report } = await restore(file, saved, 'overwrite')
    expect(report.entities).toMatchObject([{ entity: 'things', created: 0, updated: 60_000 }])
    expect(file.rows('SELECT name, sql FROM sqlite_schema ORDER BY name')).toEqual(schema)
  })

  it('does not sweep the staging area of a restore that lives', async () => {
    const file = database()
    file.exec(`${THINGS}; ${fill(10)}`)
    const saved = await save(file, [things])
    const first = await staged(file, saved, 'overwrite')
    const second = await staged(file, saved, 'overwrite')
    expect(file.strangers().filter((name) => name.endsWith('.stage'))).toHaveLength(2)
    await second.restore.merge(second.items, { sequences: [] })
    await first.restore.merge(first.items, { sequences: [] })
  })
})
