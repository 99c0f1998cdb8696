import libsql from 'libsql'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConflictPolicy, EntityDescriptor } from '../../../src/contracts/index.ts'
import type { ZooDialect } from '../../fixtures/zoo/dialect.ts'
import { zooRows, type ZooTable } from '../../fixtures/zoo/rows.ts'
import { seedMysql, seedPostgres, seedSqlite } from '../../fixtures/zoo/seed.ts'
import { failure } from '../failure.ts'
import { mysqlUrl } from '../mysql.ts'
import { type BackedUpTwins, backedUpTwins } from './backed-up-twins.ts'
import { breakEveryTable, type Damage } from './break-database.ts'
import { createLiveDatabase, type LiveDatabase, quoted } from './live-database.ts'
import type { OrmUnderTest } from './orm-under-test.ts'

/** Every mapping there is, by the public API alone: into an empty twin, then broken and mended in every way that there is. */
export function describeZooEndToEnd(orm: OrmUnderTest, dialect: ZooDialect): void {
  describe.skipIf(dialect === 'mysql' && mysqlUrl() === null)(`the zoo end to end, ${orm.name} on ${dialect}`, () => {
    let twins: BackedUpTwins
    let source: LiveDatabase
    let twin: LiveDatabase
    let schema: unknown
    let descriptors: readonly EntityDescriptor[]
    const restore = (options: { policy?: ConflictPolicy; dryRun?: boolean; entities?: readonly string[] } = {}) =>
      twins.holdfast.restores.restore({ snapshot: twins.snapshot, into: { source: 'twin' }, ...options })

    beforeAll(async () => {
      twins = await backedUpTwins({
        async create(rows) {
          const database = await createLiveDatabase(dialect)
          // Letters of either case are labels of their own in the zoo.
          if (dialect === 'mysql') await database.carelessly('ALTER DATABASE COLLATE utf8mb4_bin')
          const { close } = await orm.openZoo({ dialect, location: database.location, create: true }, 'maker')
          await close()
          if (rows) await seed(database, zooRows(dialect, orm.zooRows))
          else await database.carelessly(...guards(dialect))
          return database
        },
        open: (database, storeName) => orm.openZoo({ dialect, location: database.location, create: false }, storeName),
      })
      ;({ source, twin } = twins)
      // In MySQL a schema is a database, and the twin is another one.
      descriptors = twins.entities.map(({ schema: name, ...entity }) => (dialect === 'mysql' || name === undefined ? entity : { ...entity, schema: name }))
      schema = await twin.schema()
    })
    afterAll(() => twins.close())

    it('comes back into the empty twin, every value of every table', async () => {
      const result = await restore()
      expect(result.status).toBe('completed')
      expect(result.warnings).toEqual([])
      expect(result.entities.map(({ create, records }) => create - records)).toEqual(descriptors.map(() => 0))
      expect(await twin.image()).toEqual(await source.image())
      expect(await twin.schema()).toEqual(schema)
    })

    it('is read as entities, every record of every table', async () => {
      const reader = await twins.holdfast.discovery.open(twins.snapshot)
      for (const entity of descriptors) {
        let records = 0
        for await (const record of reader.stream(entity.name)) {
          expect(Object.keys(record).length).toBeGreaterThan(0)
          records++
        }
        expect({ entity: entity.name, records }).toEqual({ entity: entity.name, records: await source.count(entity) })
      }
    })

    it('is found identical by a second restore, which writes no row', async () => {
      const before = await versions()
      const result = await restore({ policy: 'fail' })
      expect(result.totals).toMatchObject({ create: 0, update: 0, keep: 0, conflict: 0, identical: result.totals.records })
      expect(await versions()).toEqual(before)
    })

    it.each(['overwrite', 'skip', 'fail'] as const)('broken in every table, policy %s', async (policy) => {
      await restore({ policy: 'overwrite' })
      const whole = await versions()
      const damages = await breakEveryTable(twin, descriptors)
      expect(total(damages, 'create')).toBe(descriptors.length)
      expect(total(damages, 'update')).toBeGreaterThan(5)
      const broken = { image: await twin.image(), versions: await versions() }

      const look = await restore({ policy, dryRun: true })
      expect(look.status).toBe('planned')
      expect(look.problems).toBe(0)
      for (const { entity, records, ...counts } of look.entities) {
        const { create, update } = damages.get(entity)!
        const differing =
          policy === 'overwrite'
            ? { update, keep: 0, conflict: 0 }
            : policy === 'skip'
              ? { update: 0, keep: update, conflict: 0 }
              : { update: 0, keep: 0, conflict: update }
        expect({ entity, ...counts }).toMatchObject({ entity, create, ...differing, identical: records - create - update, extra: 0 })
      }
      expect(await twin.image()).toEqual(broken.image)

      if (policy === 'fail') {
        const error = await failure(restore({ policy }), 'E_RESTORE_CONFLICT')
        expect((error.details.conflicts as { rows: number }[]).reduce((sum, { rows }) => sum + rows, 0)).toBe(total(damages, 'update'))
        expect(await twin.image()).toEqual(broken.image)
        expect(await versions()).toEqual(broken.versions)
      } else {
        const done = await restore({ policy })
        expect(done.entities.map(numbers)).toEqual(look.entities.map(numbers))
      }
      if (policy === 'skip') {
        // All that was deleted is back, all that was ruined is as it was ruined.
        const left = await restore({ policy: 'overwrite', dryRun: true })
        expect(left.totals).toMatchObject({ create: 0, update: total(damages, 'update') })
      }

      await restore({ policy: 'overwrite' })
      expect(await twin.image()).toEqual(await source.image())
      expect(await twin.schema()).toEqual(schema)
      const after = await versions()
      for (const [entity, rows] of after ?? []) {
        const untouched = [...rows].filter(([key, version]) => broken.versions!.get(entity)!.get(key) === version)
        const { create, update } = damages.get(entity)!
        expect({ entity, untouched: untouched.length }).toEqual({ entity, untouched: whole!.get(entity)!.size - create - update })
      }
    })

    it('is planned and applied, undone, and brought back by undoing that, every value from the journal alone', async () => {
      await restore({ policy: 'overwrite' })
      await twin.carelessly(...descriptors.map((entity) => `DELETE FROM ${quoted(entity)}`))
      const empty = await twin.image()
      const { restores } = twins.holdfast
      const applied = await restores.apply(await restores.plan({ snapshot: twins.snapshot, into: { source: 'twin' } }))
      expect(await twin.image()).toEqual(await source.image())
      const undone = await restores.undo(applied.restoreId)
      expect(undone.totals).toMatchObject({ delete: applied.totals.create, keep: 0 })
      expect(await twin.image()).toEqual(empty)
      await restores.undo(undone.restoreId)
      expect(await twin.image()).toEqual(await source.image())
      expect(await twin.schema()).toEqual(schema)
    })

    it('lets the newer version win, row by row', async () => {
      const hidden = descriptors.find(({ table }) => table === 'zoo_hidden')!
      const one = (id: number) => `id = '00000000-0000-4000-8000-00000000000${id}'`
      await twin.carelessly(
        `UPDATE zoo_hidden SET name = 'behind', version = version - 1 WHERE ${one(1)}`,
        `UPDATE zoo_hidden SET name = 'ahead', version = version + 1 WHERE ${one(2)}`,
      )
      const result = await restore({ policy: 'newer-version-wins', entities: [hidden.name] })
      expect(result.entities).toMatchObject([{ entity: hidden.name, create: 0, update: 1, keep: 1, identical: 1 }])
      expect([await twin.count(hidden, "name = 'behind'"), await twin.count(hidden, "name = 'ahead'")]).toEqual([0, 1])

      await twin.carelessly(`UPDATE zoo_hidden SET name = 'at the same version' WHERE ${one(3)}`)
      const before = await twin.image()
      await failure(restore({ policy: 'newer-version-wins', entities: [hidden.name] }), 'E_RESTORE_CONFLICT')
      expect(await twin.image()).toEqual(before)
      await restore({ policy: 'overwrite' })
      expect(await twin.image()).toEqual(await source.image())
    })

    it('leaves rows alone that came since, and keys above theirs come next', async () => {
      const computed = descriptors.find(({ table }) => table === 'zoo_computed')!
      await twin.carelessly('DELETE FROM zoo_computed WHERE id = 3', 'INSERT INTO zoo_computed (price) VALUES (1)')
      expect(await twin.count(computed, 'id = 11')).toBe(1)
      const result = await restore({ entities: [computed.name] })
      expect(result.entities).toMatchObject([{ create: 1, update: 0, identical: 1, extra: 1 }])
      expect(await twin.count(computed)).toBe(3)
      await twin.carelessly('INSERT INTO zoo_computed (price) VALUES (2)')
      expect(await twin.count(computed, 'id = 12')).toBe(1)
      await twin.carelessly('DELETE FROM zoo_computed WHERE id > 10')
    })

    it('comes back on another machine, under its own name, into tables emptied by hand', async () => {
      await twin.carelessly(...descriptors.map((entity) => `DELETE FROM ${quoted(entity)}`))
      const holdfast = await twins.elsewhere()
      const [found] = await holdfast.discovery.snapshots()
      const result = await holdfast.restores.restore({ snapshot: found!.id })
      expect(result.totals).toMatchObject({ create: result.totals.records, update: 0 })
      expect(await twin.image()).toEqual(await source.image())
      expect(await twin.schema()).toEqual(schema)
    })

    async function versions(): Promise<Map<string, ReadonlyMap<string, string>> | null> {
      const all = new Map<string, ReadonlyMap<string, string>>()
      for (const entity of descriptors) {
        const rows = await twin.rowVersions(entity)
        if (!rows) return null
        all.set(entity.name, rows)
      }
      return all
    }
  })
}

export async function seed({ dialect, location }: LiveDatabase, rows: readonly ZooTable[]): Promise<void> {
  if (dialect === 'sqlite') {
    const file = new libsql(location)
    seedSqlite(file, rows)
    file.close()
    return
  }
  if (dialect === 'mysql') {
    const connection = await mysql.createConnection({ uri: location })
    await connection.query(`SET foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'`)
    await seedMysql((sql) => connection.query(sql), rows)
    await connection.end()
    return
  }
  const client = new pg.Client({ connectionString: location })
  await client.connect()
  await seedPostgres({ query: async (sql) => (await client.query(sql)).rows }, rows)
  await client.end()
}

/** Triggers that make a noise when a restore sets them off; in PostgreSQL one that is switched off and has to stay so. */
function guards(dialect: ZooDialect): string[] {
  if (dialect === 'mysql') return [] // rows that would fire one are refused there
  if (dialect === 'sqlite') return [`CREATE TRIGGER no_tags BEFORE INSERT ON tag BEGIN SELECT raise(ABORT, 'a trigger fired'); END`]
  return [
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trigger fired'; END $$`,
    `CREATE TRIGGER no_tags BEFORE INSERT ON shop.tag FOR EACH ROW EXECUTE FUNCTION refuse()`,
    `CREATE TRIGGER no_countries BEFORE INSERT OR UPDATE ON shop.country FOR EACH ROW EXECUTE FUNCTION refuse()`,
    `ALTER TABLE shop.country DISABLE TRIGGER no_countries`,
  ]
}

function total(damages: ReadonlyMap<string, Damage>, of: keyof Damage): number {
  return [...damages.values()].reduce((sum, damage) => sum + damage[of], 0)
}

function numbers({
  entity,
  records,
  create,
  update,
  identical,
  keep,
}: {
  entity: string
  records: number
  create: number
  update: number
  identical: number
  keep: number
}) {
  return { entity, records, create, update, identical, keep }
}
