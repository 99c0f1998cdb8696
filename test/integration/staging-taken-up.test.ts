import { createHash, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import libsql from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StageReport } from '../../src/contracts/index.ts'
import { PLACES } from '../support/declared-tables.ts'
import { openPlainDatabase, type PlainDatabase } from '../support/plain-database.ts'
import { CUSTOMERS, openThings, THING_TABLES, thingItems, type ThingsOptions } from '../support/staged-things.ts'
import { killedWhereItStops, stagingLeft } from '../support/staging-left.ts'
import { takesUp } from '../support/taking-up.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { ThingsChild } from '../support/things-child.ts'

const CHILD = fileURLToPath(new URL('../support/things-child.ts', import.meta.url))
const SOME: ThingsOptions = { rows: 2000, width: 50 }
/** More than two commits of a staging take: 8 MiB of rows, or 50 000 of them. */
const MANY = { mysql: { rows: 14_000, width: 1500 }, sqlite: { rows: 120_000, width: 20 } }
/** Of a stage of SQLite. */
const tableOf = (entity: string): string => `s${createHash('sha256').update(entity).digest('hex').slice(0, 16)}`
const TIMEOUT = { timeout: 180_000 }

/** Of PostgreSQL: `postgres-staging-taken-up.test.ts`. */
const DIALECTS = PLACES.flatMap(([orm, dialect]) => (orm === 'TypeORM' && dialect !== 'postgres' && takesUp(dialect) ? [dialect] : []))

describe.each(DIALECTS)('records that a killed process had staged in %s', (dialect) => {
  let folder: ReturnType<typeof temporaryFolder>
  let database: PlainDatabase

  beforeEach(async () => {
    folder = temporaryFolder()
    database = await openPlainDatabase(dialect, folder.path)
    await database.run(THING_TABLES)
    await database.run(`INSERT INTO customer VALUES (1, 'bad'), (1000, 'extra'); INSERT INTO thing VALUES (1, 'bad')`)
  })
  afterEach(async () => {
    await database.drop()
    folder.remove()
  })

  const killed = (options: ThingsOptions & Partial<ThingsChild>) =>
    killedWhereItStops(dialect, database, CHILD, [JSON.stringify({ dialect, location: database.location, resumes: 'the same', ...options })])
  const open = (resumes = 'the same') => openThings(dialect, database.location, { restoreId: randomUUID(), resumes })

  /** How many records of each entity were there already. All of them must be live afterwards, and nothing beside them. */
  async function takenUp(options: ThingsOptions, resumes?: string): Promise<(number | undefined)[]> {
    expect(await database.rows('SELECT id, note FROM thing')).toEqual([{ id: 1, note: 'bad' }])
    const { target, close } = await open(resumes)
    try {
      const items = thingItems(target.entities, options)
      const reports: StageReport[] = []
      for (const item of items) reports.push(await target.stage(item))
      for (const [at, report] of reports.entries()) expect(report).toMatchObject({ rows: items[at]!.lines.rows, problems: [] })
      const { entities } = await target.reconcile(items)
      expect(entities).toMatchObject([
        { create: CUSTOMERS - 1, update: 1, extra: 1 },
        { create: options.rows - 1, update: 1, extra: 0 },
      ])
      await target.merge(
        items.map((item) => ({ ...item, mode: 'staged' })),
        { sequences: [] },
      )
      return reports.map((report) => report.takenUp)
    } finally {
      await close()
    }
  }
  async function restored({ rows, width, odd }: ThingsOptions): Promise<void> {
    const notes = (await database.rows('SELECT id, note FROM thing ORDER BY id')).map(({ id, note }) => `${String(id)} ${String(note)}`)
    const expected = Array.from(
      { length: rows },
      (_, at) => `${at + 1} ${odd?.id === at + 1 ? (JSON.parse(odd.note) as string) : `${'n'.repeat(width)}${at + 1}`}`,
    )
    expect(notes.join('\n') === expected.join('\n')).toBe(true)
    expect(await database.rows('SELECT name FROM customer WHERE id IN (1, 1000) ORDER BY id')).toEqual([{ name: 'c1' }, { name: 'extra' }])
    expect(await stagingLeft(dialect, database)).toEqual([])
  }
  /** Hands on the staging tables themselves. */
  async function onStaging(mysql: (table: string) => string, sqlite: string): Promise<void> {
    const [left] = await stagingLeft(dialect, database)
    if (dialect === 'mysql') return database.run(mysql(left!.replace(/_0$/, '')))
    const stage = new libsql(left!)
    stage.exec(sqlite)
    stage.close()
  }

  it('are taken up from the last commit on', TIMEOUT, async () => {
    const many = MANY[dialect]
    await killed({ ...many, stopAfter: many.rows / 2 })
    const [customers, things] = await takenUp(many)
    expect(customers).toBe(CUSTOMERS)
    expect(things).toBeGreaterThan(many.rows * 0.2)
    expect(things).toBeLessThan(many.rows * 0.8)
    await restored(many)
  })

  it('are taken up by the one that goes on after the next is killed too', TIMEOUT, async () => {
    const many = MANY[dialect]
    await killed({ ...many, stopAfter: many.rows / 2 })
    await killed(many)
    expect(await takenUp(many)).toEqual([CUSTOMERS, many.rows])
    await restored(many)
  })

  it('are swept by a restore that does something else', TIMEOUT, async () => {
    await killed(SOME)
    expect(await takenUp(SOME, 'another')).toEqual([undefined, undefined])
    await restored(SOME)
  })

  it('are dropped where the records are others by now', TIMEOUT, async () => {
    await killed(SOME)
    const other = { ...SOME, odd: { id: 7, note: '"another"' } }
    expect(await takenUp(other)).toEqual([CUSTOMERS, undefined])
    await restored(other)
  })

  it('are dropped where fewer of them are there than are noted', TIMEOUT, async () => {
    await killed(SOME)
    await onStaging((owner) => `DELETE FROM ${owner}_1 WHERE _holdfast_line = 5`, `DELETE FROM ${tableOf('Customer')} WHERE n = 5`)
    expect(await takenUp(SOME)).toEqual([undefined, SOME.rows])
    await restored(SOME)
  })

  it('are dropped where the table is another by now', TIMEOUT, async () => {
    await killed(SOME)
    await database.run(dialect === 'mysql' ? 'ALTER TABLE customer MODIFY name VARCHAR(300) NOT NULL' : 'CREATE UNIQUE INDEX by_name ON customer (name)')
    expect(await takenUp(SOME)).toEqual([undefined, SOME.rows])
    await restored(SOME)
  })

  it('are not taken up of an entity of which records were refused', TIMEOUT, async () => {
    const odd = { id: 1500, note: dialect === 'mysql' ? `"${'x'.repeat(2001)}"` : '{"integer":5}' }
    await killed({ ...SOME, odd, refusable: 1 })
    expect(await takenUp(SOME)).toEqual([CUSTOMERS, undefined])
    await restored(SOME)
  })

  it('stay with the restore that lives', TIMEOUT, async () => {
    const first = await open()
    for (const item of thingItems(first.target.entities, SOME)) await first.target.stage(item)
    const left = await stagingLeft(dialect, database)
    expect(await takenUp(SOME)).toEqual([undefined, undefined])
    expect(await stagingLeft(dialect, database)).toEqual(left)
    await first.close()
    await restored(SOME)
  })

  it('go to one of two that come for them at once, and nobody takes them from that one', TIMEOUT, async () => {
    await killed(SOME)
    const both = await Promise.all([open(), open()])
    const taken: (number | undefined)[] = []
    for (const { target } of both) {
      const [customers] = thingItems(target.entities, SOME)
      taken.push((await target.stage(customers!)).takenUp)
    }
    expect(new Set(taken)).toEqual(new Set([CUSTOMERS, undefined]))
    for (const { target } of both) {
      const [, things] = thingItems(target.entities, SOME)
      expect(await target.stage(things!)).toMatchObject({ rows: SOME.rows })
      expect((await target.reconcile(thingItems(target.entities, SOME))).problems).toEqual([])
    }
    await Promise.all(both.map((each) => each.close()))
    expect(await stagingLeft(dialect, database)).toEqual([])
  })

  if (dialect !== 'sqlite') return

  it('are dropped where the system was started anew since', TIMEOUT, async () => {
    await killed(SOME)
    await onStaging(() => '', `UPDATE ledgers SET boot = '00000000-0000-0000-0000-000000000000' WHERE staged = '${tableOf('Thing')}'`)
    expect(await takenUp(SOME)).toEqual([undefined, undefined])
    await restored(SOME)
  })
})
