import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { failure, inTarget, itemOf, itemOfLines, restoreAll, saveAll, type SavedStore } from '../support/postgres-restore.ts'

let db: TestDatabase
let lane: ReturnType<typeof testPool>
const mapping = mappingOf(table('item', 'id name amount version updated_at', { version: 'version', updatedAt: 'updated_at' }))

beforeAll(async () => {
  db = await createTestDatabase()
  lane = testPool(db.url)
})
afterAll(async () => {
  await lane.pool.end()
  await db.drop()
})

let saved: SavedStore

/** Five rows are saved; then 1 goes, 2 gets a newer and 3 an older version, 4 differs at the same version, 5 stays, 6 comes. */
beforeEach(async () => {
  await db.query(`
    DROP TABLE IF EXISTS item;
    CREATE TABLE item (id int PRIMARY KEY, name text, amount numeric, version int NOT NULL, updated_at timestamptz NOT NULL);
    INSERT INTO item SELECT i, 'name ' || i, i + 0.50, 5, '2026-01-01 00:00:00.123456+00' FROM generate_series(1, 5) i`)
  saved = await saveAll(lane.connections, mapping)
  await db.query(`
    DELETE FROM item WHERE id = 1;
    UPDATE item SET name = 'newer', version = 6 WHERE id = 2;
    UPDATE item SET name = 'older', version = 4 WHERE id = 3;
    UPDATE item SET amount = 4.5 WHERE id = 4;
    INSERT INTO item VALUES (6, 'new', 6, 1, '2026-01-01')`)
})

const rows = () => db.query<{ id: number; name: string; amount: string; xmin: string }>('SELECT *, xmin::text FROM item ORDER BY id')
const names = async () => (await rows()).map(({ id, name, amount }) => `${id} ${name} ${amount}`)

const NOTHING = { create: 0, update: 0, identical: 0, keep: 0, conflict: 0 }

describe('policies', () => {
  it('lets the record win with overwrite, and leaves identical and extra rows alone', async () => {
    const before = await rows()
    const { reconciled, merged } = await restoreAll(lane.connections, mapping, saved, { policy: 'overwrite' })
    expect(reconciled?.entities[0]).toMatchObject({ ...NOTHING, entity: 'item', create: 1, update: 3, identical: 1, extra: 1 })
    expect(merged.entities).toMatchObject([{ entity: 'item', created: 1, updated: 3 }])
    expect(await names()).toEqual(['1 name 1 1.50', '2 name 2 2.50', '3 name 3 3.50', '4 name 4 4.50', '5 name 5 5.50', '6 new 6'])
    const after = await rows()
    for (const id of [5, 6]) expect(after.find((row) => row.id === id)?.xmin).toBe(before.find((row) => row.id === id)?.xmin)
  })

  it('lets the live row win with skip, and creates what is missing', async () => {
    const { reconciled, merged } = await restoreAll(lane.connections, mapping, saved, { policy: 'skip' })
    expect(reconciled?.entities[0]).toMatchObject({ ...NOTHING, create: 1, keep: 3, identical: 1, extra: 1 })
    expect(merged.entities).toMatchObject([{ entity: 'item', created: 1, updated: 0 }])
    expect(await names()).toEqual(['1 name 1 1.50', '2 newer 2.50', '3 older 3.50', '4 name 4 4.5', '5 name 5 5.50', '6 new 6'])
  })

  it('refuses any difference with fail, and writes nothing', async () => {
    const before = await rows()
    const error = await failure(restoreAll(lane.connections, mapping, saved, { policy: 'fail' }), 'E_RESTORE_CONFLICT')
    expect(error.details.conflicts).toEqual([{ entity: 'item', policy: 'fail', rows: 3, keys: ['[2]', '[3]', '[4]'] }])
    expect(await rows()).toEqual(before)
  })

  it('creates with fail when nothing differs', async () => {
    await db.query(`UPDATE item SET name = 'name ' || id, amount = id + 0.50, version = 5 WHERE id < 6`)
    const { merged } = await restoreAll(lane.connections, mapping, saved, { policy: 'fail' })
    expect(merged.entities).toMatchObject([{ entity: 'item', created: 1, updated: 0 }])
  })

  it('compares versions with newer-version-wins, and refuses equal ones that differ', async () => {
    const before = await rows()
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf(saved.entities[0]!, 'newer-version-wins')
      await target.stage(item)
      const report = await target.reconcile([item])
      expect(report.entities[0]).toMatchObject({ create: 1, update: 1, identical: 1, keep: 1, conflict: 1, extra: 1 })
      await failure(target.merge([{ ...item, mode: 'staged' }], { sequences: [] }), 'E_RESTORE_CONFLICT')
    })
    expect(await rows()).toEqual(before)
    await db.query('DELETE FROM item WHERE id = 4')
    await restoreAll(lane.connections, mapping, saved, { policy: 'newer-version-wins' })
    expect(await names()).toEqual(['1 name 1 1.50', '2 newer 2.50', '3 name 3 3.50', '4 name 4 4.50', '5 name 5 5.50', '6 new 6'])
  })

  it('compares updated-at where there is no version, to the microsecond', async () => {
    const unversioned = mappingOf(table('item', 'id name amount version updated_at', { updatedAt: 'updated_at' }))
    const again = await saveAll(lane.connections, unversioned)
    await db.query(`
      UPDATE item SET name = 'a', updated_at = updated_at + interval '1 microsecond' WHERE id = 2;
      UPDATE item SET name = 'b', updated_at = updated_at - interval '1 microsecond' WHERE id = 3`)
    const { reconciled } = await restoreAll(lane.connections, unversioned, again, { policy: 'newer-version-wins' })
    expect(reconciled?.entities[0]).toMatchObject({ update: 1, keep: 1, conflict: 0 })
    expect((await names()).slice(0, 2)).toEqual(['2 a 2.50', '3 older 3.50'])
  })

  it('has no newer without either', async () => {
    const plain = mappingOf(table('item', 'id name amount version updated_at'))
    const again = await saveAll(lane.connections, plain)
    await db.query(`UPDATE item SET name = 'x', version = 9 WHERE id = 5`)
    const error = await failure(restoreAll(lane.connections, plain, again, { policy: 'newer-version-wins' }), 'E_RESTORE_CONFLICT')
    expect(error.details.conflicts).toEqual([{ entity: 'item', policy: 'newer-version-wins', rows: 1, keys: ['[5]'] }])
  })
})

describe('a merge that compares', () => {
  it('tells what it is going to do as a comparison does, before it writes', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const item = { ...itemOf(saved.entities[0]!), mode: 'staged' as const }
      await target.stage(item)
      const before = await target.reconcile([item], { samples: 2 })
      const told: unknown[] = []
      const report = await target.merge([item], { sequences: [], samples: 2, compared: (found) => void told.push(found) })
      expect(told).toEqual([before])
      expect(report.entities).toMatchObject([{ created: 1, updated: 3, identical: 1 }])
    })
  })

  it('tells all that speaks against it, and what it is told then ends it', async () => {
    await db.query('ALTER TABLE item ADD CONSTRAINT large CHECK (amount > 2)')
    const before = await rows()
    const problems: unknown[] = []
    await inTarget(lane.connections, mapping, async (target) => {
      const item = { ...itemOf(saved.entities[0]!), mode: 'staged' as const }
      await target.stage(item)
      const merging = target.merge([item], {
        sequences: [],
        compared(report) {
          problems.push(...report.problems)
          throw new HoldfastError('E_RESTORE_CONFLICT', 'no')
        },
      })
      expect((await failure(merging, 'E_RESTORE_CONFLICT')).message).toContain('no')
      // Who lets it pass is refused all the same.
      await failure(target.merge([item], { sequences: [], compared: () => {} }), 'E_RESTORE_REJECTED')
    })
    expect(problems).toMatchObject([{ entity: 'item', key: '[1]', cause: 'validation' }])
    expect(await rows()).toEqual(before)
  })
})

describe('samples', () => {
  it('show what would change, field by field, and nothing of sensitive fields', async () => {
    const secret = {
      ...saved.entities[0]!.record,
      fields: saved.entities[0]!.record.fields.map((field) => (field.path === 'name' ? { ...field, sensitive: true } : field)),
    }
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOf({ ...saved.entities[0]!, record: secret })
      await target.stage(item)
      const { entities } = await target.reconcile([item], { samples: 2 })
      expect(entities[0]?.samples).toEqual([
        { action: 'create', key: '[1]', changes: [] },
        {
          action: 'update',
          key: '[2]',
          changes: [
            { field: 'name', live: '•••', record: '•••' },
            { field: 'version', live: 6, record: 5 },
          ],
        },
        {
          action: 'update',
          key: '[3]',
          changes: [
            { field: 'name', live: '•••', record: '•••' },
            { field: 'version', live: 4, record: 5 },
          ],
        },
      ])
      const [whole] = (await target.reconcile([item])).entities
      expect(whole?.samples.find(({ key }) => key === '[4]')?.changes).toEqual([{ field: 'amount', live: '4.5', record: '4.50' }])
    })
  })
})

describe('staging', () => {
  const record = () => saved.entities[0]!.record
  const line = (id: string | number, amount: string, version: string | number = 1) =>
    `{"id":${id},"name":null,"amount":"${amount}","version":${version},"updated_at":"2026-01-01T00:00:00+00"}`

  it('reports the line that the database refuses, with its key, and stops there', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const report = await target.stage(itemOfLines(record(), [line(1, '1'), line(2, 'one'), line(3, '3')]))
      expect(report.problems).toEqual([
        { entity: 'item', key: '[2]', line: 2, cause: 'validation', message: 'amount: invalid input syntax for type numeric: "one"' },
      ])
    })
  })

  it('reports keys that come twice', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const report = await target.stage(itemOfLines(record(), [line(1, '1'), line(2, '2'), line(2, '3')]))
      expect(report).toMatchObject({ rows: 3, problems: [{ key: '[2]', line: 3, cause: 'validation' }] })
    })
  })

  it('reports progress, and can be done again', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const seen: number[] = []
      await target.stage(itemOfLines(record(), [line(1, '1')]))
      const item = itemOfLines(record(), [line(7, '1'), line(8, '1')])
      const report = await target.stage(item, { onProgress: (count) => seen.push(count) })
      expect(report).toEqual({ entity: 'item', rows: 2, problems: [] })
      expect(seen.at(-1)).toBe(2)
      expect((await target.reconcile([item])).entities[0]).toMatchObject({ create: 2 })
    })
  })

  it('takes an entity without records', async () => {
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOfLines(record(), [])
      expect(await target.stage(item)).toEqual({ entity: 'item', rows: 0, problems: [] })
      expect((await target.reconcile([item])).entities[0]).toMatchObject({ ...NOTHING, extra: 5 })
      expect((await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })).entities).toMatchObject([{ entity: 'item', created: 0, updated: 0 }])
    })
  })

  it('leaves nothing behind', async () => {
    await restoreAll(lane.connections, mapping, saved)
    expect(await db.query(`SELECT nspname FROM pg_namespace WHERE nspname = 'holdfast_staging'`)).toEqual([])
    expect(
      await db.query(`SELECT * FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`),
    ).toEqual([])
  })
})

describe('values that came to be refused since', () => {
  it('finds NULLs, broken checks and required columns before it writes', async () => {
    await db.query(`
      UPDATE item SET name = 'x' WHERE id = 5;
      ALTER TABLE item ADD CONSTRAINT large CHECK (amount > 2), ALTER COLUMN name SET NOT NULL`)
    const lines = [
      `{"id":1,"name":"n","amount":"1.50","version":5,"updated_at":"2026-01-01T00:00:00+00"}`,
      `{"id":5,"name":null,"amount":"5.50","version":5,"updated_at":"2026-01-01T00:00:00+00"}`,
    ]
    const before = await rows()
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOfLines(saved.entities[0]!.record, lines)
      await target.stage(item)
      const { problems, problemCount } = await target.reconcile([item])
      expect(problemCount).toBe(2)
      expect(problems).toEqual([
        { entity: 'item', key: '[1]', line: 1, cause: 'validation', message: 'check constraint large is not met' },
        { entity: 'item', key: '[5]', line: 2, cause: 'validation', message: 'name is null, which column name may not be' },
      ])
      const error = await failure(target.merge([{ ...item, mode: 'staged' }], { sequences: [] }), 'E_RESTORE_REJECTED')
      expect(error.details).toEqual({ problems, problemCount })
    })
    expect(await rows()).toEqual(before)
  })

  it('updates, but cannot create, when a column has come that needs a value', async () => {
    await db.query(`ALTER TABLE item ADD COLUMN region text; UPDATE item SET region = 'r' || id; ALTER TABLE item ALTER COLUMN region SET NOT NULL`)
    const error = await failure(restoreAll(lane.connections, mapping, saved), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject([{ key: '[1]', cause: 'schema' }])
    const [one, ...others] = Buffer.from(saved.entities[0]!.bytes).toString().trim().split('\n')
    expect(one).toContain('"id":1')
    await inTarget(lane.connections, mapping, async (target) => {
      const item = itemOfLines(saved.entities[0]!.record, others)
      await target.stage(item)
      await target.merge([{ ...item, mode: 'staged' }], { sequences: [] })
    })
    expect(await db.query('SELECT id, name, region FROM item WHERE id IN (2, 3) ORDER BY id')).toEqual([
      { id: 2, name: 'name 2', region: 'r2' },
      { id: 3, name: 'name 3', region: 'r3' },
    ])
  })

  it('lists every column that is gone or has another type, before it touches anything', async () => {
    await db.query(`ALTER TABLE item ALTER COLUMN amount TYPE numeric(10, 1), ALTER COLUMN version TYPE bigint`)
    await inTarget(lane.connections, mapping, async (target) => {
      const gone = { path: 'colour', column: 'colour', type: { kind: 'text' }, dbType: 'text', nullable: true, optional: false } as const
      const record = { ...saved.entities[0]!.record, fields: [...saved.entities[0]!.record.fields, gone] }
      const error = await failure(target.stage(itemOf({ ...saved.entities[0]!, record })), 'E_SCHEMA_DRIFT')
      expect(error.details.differences).toEqual([
        { entity: 'item', field: 'amount', record: 'numeric', live: 'numeric(10,1)' },
        { entity: 'item', field: 'version', record: 'integer', live: 'bigint' },
        { entity: 'item', field: 'colour', record: 'text', live: null },
      ])
    })
  })

  it('follows a column whose property was renamed', async () => {
    const renamed = mappingOf({
      ...mapping.entities[0]!,
      fields: mapping.entities[0]!.fields.map((field) => (field.path === 'name' ? { ...field, path: 'label' } : field)),
    })
    await restoreAll(lane.connections, renamed, saved)
    expect((await names())[0]).toBe('1 name 1 1.50')
  })
})

describe('an empty table', () => {
  it('is loaded directly', async () => {
    const whole = await db.query('TABLE item ORDER BY id')
    const all = await saveAll(lane.connections, mapping)
    await db.query('TRUNCATE item')
    const seen: [string, number][] = []
    await inTarget(lane.connections, mapping, async (target) => {
      expect(await target.isEmpty('item')).toBe(true)
      const report = await target.merge([{ ...itemOf(all.entities[0]!), mode: 'direct' }], { sequences: [], onProgress: (...step) => seen.push(step) })
      expect(report.entities).toMatchObject([{ entity: 'item', created: 5, updated: 0 }])
      expect(await target.isEmpty('item')).toBe(false)
    })
    expect(seen.at(-1)).toEqual(['item', 5])
    expect(await db.query('TABLE item ORDER BY id')).toEqual(whole)
  })

  it('is looked at again under the lock', async () => {
    const error = await failure(restoreAll(lane.connections, mapping, saved, { mode: 'direct' }), 'E_RESTORE_MOVED')
    expect(error.details).toEqual({ entity: 'item' })
    expect(await rows()).toHaveLength(5)
  })

  it('names the line that is refused, and stays empty', async () => {
    await db.query('TRUNCATE item; ALTER TABLE item ADD CONSTRAINT small CHECK (amount < 3)')
    const error = await failure(restoreAll(lane.connections, mapping, saved, { mode: 'direct' }), 'E_RESTORE_REJECTED')
    expect(error.details.problems).toMatchObject([{ entity: 'item', key: '[3]', line: 3, cause: 'validation' }])
    expect(await rows()).toEqual([])
  })

  it('is not begun when a column needs a value that no record has', async () => {
    await db.query('TRUNCATE item; ALTER TABLE item ADD COLUMN region text NOT NULL')
    await failure(restoreAll(lane.connections, mapping, saved, { mode: 'direct' }), 'E_SCHEMA_DRIFT')
  })
})
