import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConflictPolicy, EntityDescriptor, MergeItem } from '../../src/contracts/index.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { referenceOrder } from '../../src/record/reference-order.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { mappingOf, table, testPool } from '../support/postgres-lane.ts'
import { inTarget, itemOfLines, saveAll } from '../support/postgres-restore.ts'
import { createTestRole, type TestRole } from '../support/postgres-role.ts'

/** Refers to another of its table, and to a code by a unique column that is not its key. */
interface Row {
  readonly id: number
  readonly mail: string | null
  readonly up: number | null
  readonly code: string | null
  readonly v: number
}

/** Refers back to a row: the two tables are a cycle. */
interface Code {
  readonly id: number
  readonly code: string
  readonly owner: number | null
}

interface State {
  readonly rows: readonly Row[]
  readonly codes: readonly Code[]
}

const id = fc.integer({ min: 1, max: 7 })
const letter = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const state: fc.Arbitrary<State> = fc
  .record({
    rows: fc.uniqueArray(fc.record({ id, mail: fc.option(letter), up: fc.option(id), code: fc.option(letter), v: fc.integer({ min: 1, max: 3 }) }), {
      selector: (row) => row.id,
      maxLength: 7,
    }),
    codes: fc.uniqueArray(fc.record({ id, code: letter, owner: fc.option(id) }), { selector: (row) => row.id, maxLength: 5 }),
  })
  .map(mended)
  .filter(isSound)

/** References to nowhere become none: a database under foreign keys has no others. */
function mended({ rows, codes }: State): State {
  const ids = new Set(rows.map((row) => row.id))
  const names = new Set(codes.map(({ code }) => code))
  return {
    rows: rows.map((row) => ({
      ...row,
      up: row.up !== null && ids.has(row.up) ? row.up : null,
      code: row.code !== null && names.has(row.code) ? row.code : null,
    })),
    codes: codes.map((code) => ({ ...code, owner: code.owner !== null && ids.has(code.owner) ? code.owner : null })),
  }
}

/** The same rows with their unique values handed on in a ring, so that each takes what another holds. */
function rotated({ rows, codes }: State, by: number): State {
  const next = <T>(list: readonly T[], at: number) => list[(at + by) % list.length]!
  return {
    rows: rows.map((row, at) => ({ ...row, mail: next(rows, at).mail })),
    codes: codes.map((code, at) => ({ ...code, code: next(codes, at).code })),
  }
}

/** Without the row and the code of that id, which a restore then creates. */
function without({ rows, codes }: State, gone: number | null): State {
  return { rows: rows.filter((row) => row.id !== gone), codes: codes.filter((code) => code.id !== gone) }
}

function isSound(one: State): boolean {
  const { rows, codes } = one
  const mails = rows.flatMap(({ mail }) => mail ?? [])
  const unique = new Set(mails).size === mails.length && new Set(codes.map(({ code }) => code)).size === codes.length
  return unique && JSON.stringify(mended(one)) === JSON.stringify(one)
}

function overlaid<T extends { readonly id: number; readonly v?: number }>(live: readonly T[], records: readonly T[], policy: ConflictPolicy): T[] | null {
  const result = new Map(live.map((row) => [row.id, row]))
  for (const record of records) {
    const before = result.get(record.id)
    if (!before || policy === 'overwrite') result.set(record.id, record)
    else if (policy === 'newer-version-wins' && JSON.stringify(before) !== JSON.stringify(record)) {
      if (record.v === undefined || before.v === undefined || record.v === before.v) return null
      if (record.v > before.v) result.set(record.id, record)
    } else if (policy === 'fail' && JSON.stringify(before) !== JSON.stringify(record)) return null
  }
  return [...result.values()].sort((a, b) => a.id - b.id)
}

const WHO = ['superuser', 'owner', 'guest'] as const
type Who = (typeof WHO)[number]

const tablesOf = (schema: string) => `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.codes (id int PRIMARY KEY, code text NOT NULL UNIQUE, owner int, extra text DEFAULT 'kept');
  CREATE TABLE ${schema}.rows (id int PRIMARY KEY, mail text UNIQUE, up int REFERENCES ${schema}.rows, code text REFERENCES ${schema}.codes (code), v int NOT NULL, extra text DEFAULT 'kept');
  ALTER TABLE ${schema}.codes ADD FOREIGN KEY (owner) REFERENCES ${schema}.rows`

describe('a merge into PostgreSQL ends in exactly the live rows overlaid with the records, or, where that would break what holds, in no change at all', () => {
  let db: TestDatabase
  const roles = new Map<Who, TestRole>()
  let lane: ReturnType<typeof testPool>

  beforeAll(async () => {
    db = await createTestDatabase()
    lane = testPool(db.url)
    for (const who of WHO) await db.query(tablesOf(who))
    for (const who of ['owner', 'guest'] as const) {
      const role = await createTestRole(db)
      roles.set(who, role)
      await db.query(`GRANT CREATE ON DATABASE ${db.name} TO ${role.name}; GRANT USAGE ON SCHEMA ${who} TO ${role.name}`)
      if (who === 'owner')
        await db.query(
          `ALTER TABLE owner.rows OWNER TO ${role.name}; ALTER TABLE owner.codes OWNER TO ${role.name}; GRANT CREATE ON SCHEMA owner TO ${role.name}`,
        )
      else await db.query(`GRANT SELECT, INSERT, UPDATE ON guest.rows, guest.codes TO ${role.name}`)
    }
    for (const who of WHO) {
      await db.query(`CREATE FUNCTION ${who}.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trigger fired'; END $$`)
      if (who !== 'guest') await db.query(`CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON ${who}.rows FOR EACH ROW EXECUTE FUNCTION ${who}.fires()`)
    }
  })
  afterAll(async () => {
    await lane.pool.end()
    for (const role of roles.values()) await role.drop()
    await db.drop()
  })

  async function fill(who: Who, { rows, codes }: State): Promise<void> {
    const values = (list: readonly object[]) =>
      list
        .map(
          (row) =>
            `(${Object.values(row)
              .map((value) => (value === null ? 'NULL' : typeof value === 'string' ? `'${value}'` : value))
              .join(', ')})`,
        )
        .join(', ')
    await db.query(`BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM ${who}.rows; DELETE FROM ${who}.codes;
      ${codes.length === 0 ? '' : `INSERT INTO ${who}.codes (id, code, owner) VALUES ${values(codes)};`}
      ${rows.length === 0 ? '' : `INSERT INTO ${who}.rows (id, mail, up, code, v) VALUES ${values(rows)};`} UPDATE ${who}.rows SET extra = 'mine'; COMMIT`)
  }
  const contents = async (who: Who) => ({
    codes: await db.query<Code>(`SELECT id, code, owner FROM ${who}.codes ORDER BY id`),
    rows: await db.query<Row>(`SELECT id, mail, up, code, v FROM ${who}.rows ORDER BY id`),
  })
  const shape = (who: Who) =>
    db.query(`SELECT conname, condeferrable, condeferred, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = '${who}'::regnamespace
      UNION ALL SELECT tgname, tgenabled = 'O', false, false, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE '${who}%'
      UNION ALL SELECT attname, attnotnull, false, false, attrelid::regclass::text FROM pg_attribute WHERE attnum > 0 AND attrelid IN ('${who}.rows'::regclass, '${who}.codes'::regclass) ORDER BY 1, 5`)

  it.each(WHO)('as %s', { timeout: 600_000 }, async (who) => {
    const mapping = mappingOf(table('codes', 'id code owner', { schema: who }), table('rows', 'id mail up code v', { schema: who, version: 'v' }))
    const { entities } = await saveAll(lane.connections, mapping)
    const records = new Map(entities.map(({ record }) => [record.name, record]))
    const connections = roles.get(who)?.lane.connections ?? lane.connections
    const seen = { merged: 0, refused: 0, denied: 0 }
    const before = await shape(who)
    await fc.assert(
      fc.asyncProperty(
        state,
        fc.oneof(
          state.map((live) => ({ live })),
          fc.record({ by: fc.integer({ min: 1, max: 4 }), drop: fc.option(id) }),
        ),
        fc.constantFrom<ConflictPolicy>('overwrite', 'overwrite', 'skip', 'newer-version-wins', 'fail'),
        fc.constantFrom<readonly ('rows' | 'codes')[]>(['rows', 'codes'], ['rows', 'codes'], ['rows'], ['codes']),
        async (saved, found, policy, chosen) => {
          const live = 'live' in found ? found.live : mended(without(rotated(saved, found.by), found.drop))
          await fill(who, live)
          const items: readonly MergeItem[] = referenceOrder<MergeItem>(
            chosen.map((name) => {
              const record: EntityDescriptor = records.get(name)!
              const lines = [...saved[name]].sort((a, b) => a.id - b.id).map((row) => JSON.stringify(row))
              return { ...itemOfLines(record, lines, policy), mode: 'staged' }
            }),
          )
          const rows = chosen.includes('rows') ? overlaid(live.rows, saved.rows, policy) : [...live.rows].sort((a, b) => a.id - b.id)
          const codes = chosen.includes('codes') ? overlaid<Code>(live.codes, saved.codes, policy) : [...live.codes].sort((a, b) => a.id - b.id)
          const was = await contents(who)
          const expected = rows === null || codes === null ? 'E_RESTORE_CONFLICT' : isSound({ rows, codes }) ? { rows, codes } : 'E_RESTORE_REJECTED'
          await inTarget(connections, mapping, async (target) => {
            for (const item of items) expect((await target.stage(item)).problems).toEqual([])
            const look = await target.reconcile(items)
            expect(await contents(who)).toEqual(was)
            const report = await target.merge(items, { sequences: [] }).catch((error: unknown) => error)
            if (isHoldfastError(report, 'E_PERMISSION')) {
              expect(await contents(who)).toEqual(was)
              seen.denied++
            } else if (typeof expected === 'string') {
              expect(isHoldfastError(report, expected), `${expected}, not ${String(report)}`).toBe(true)
              expect(await contents(who)).toEqual(was)
              if (expected === 'E_RESTORE_REJECTED') expect(look.problemCount).toBeGreaterThan(0)
              seen.refused++
            } else {
              expect(report).toMatchObject({ entities: expect.any(Array) as never })
              expect(look.problems).toEqual([])
              expect(await contents(who)).toEqual(expected)
              const kept = await db.query<{ n: string }>(`SELECT count(*) AS n FROM ${who}.rows WHERE extra = 'mine'`)
              expect(Number(kept[0]!.n)).toBe(live.rows.length)
              seen.merged++
            }
          })
        },
      ),
      { numRuns: 90, seed: 23 },
    )
    expect(await shape(who)).toEqual(before)
    expect(seen.merged).toBeGreaterThan(20)
    expect(seen.refused).toBeGreaterThan(20)
    if (who === 'superuser') expect(seen.denied).toBe(0)
  })
})
