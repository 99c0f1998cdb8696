import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../src/contracts/index.ts'
import { pick, type RestoreRequest } from '../../src/index.ts'
import { PLACES, type TestDialect, type TestOrm } from '../support/declared-tables.ts'
import { sequenceTable } from '../support/mysql.ts'
import { openPlainDatabase, type PlainDatabase } from '../support/plain-database.ts'
import { killedWhereItStops, stagingLeft } from '../support/staging-left.ts'
import { SHOP_TABLES, type StagingPlace, stagingShop } from '../support/staging-shop.ts'
import { takesUp } from '../support/taking-up.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CHILD = fileURLToPath(new URL('../support/staging-child.ts', import.meta.url))
/** More than what PostgreSQL stages in temporary tables. */
const ROWS = 3000

interface Bench {
  readonly place: StagingPlace
  readonly database: PlainDatabase
  readonly other: PlainDatabase
  image(of?: PlainDatabase): Promise<string>
  spoil(): Promise<void>
  /** Kills a restore, or the application of a plan, when the records of that entity are staged. */
  killed(entity: string, asked: RestoreRequest | string, place?: StagingPlace): Promise<void>
  /** The shop as `place` has it, for as long as `work` takes: what came of it, and the records that the log says were taken up. */
  withShop<T>(
    work: (shop: Awaited<ReturnType<typeof stagingShop>>['holdfast']) => Promise<T>,
    place?: StagingPlace,
  ): Promise<{ readonly result: T; readonly taken: readonly object[] }>
  close(): Promise<void>
}

async function openBench(orm: TestOrm, dialect: TestDialect): Promise<Bench> {
  const folder = temporaryFolder()
  const database = await openPlainDatabase(dialect, folder.path)
  const other = await openPlainDatabase(dialect, folder.path, 'other')
  const counted = `(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${ROWS}) SELECT i FROM s) n`
  const numbers = dialect === 'mysql' ? `(SELECT seq AS i FROM ${sequenceTable(ROWS)}) n` : counted
  const text = (prefix: string) => (dialect === 'mysql' ? `CONCAT('${prefix}', i)` : `'${prefix}' || i`)
  for (const each of [database, other]) await each.run(SHOP_TABLES)
  await database.run(`INSERT INTO customer SELECT i, ${text('c')} FROM ${numbers}; INSERT INTO orders SELECT i, i, ${text('n')} FROM ${numbers}`)
  const place: StagingPlace = { orm, dialect, location: database.location, root: folder.path }
  return {
    place,
    database,
    other,
    async image(of = database) {
      const tables = ['customer', 'orders'].map((table) => of.rows(`SELECT * FROM ${table} ORDER BY id`))
      return JSON.stringify(await Promise.all(tables))
    },
    spoil: () => database.run(`UPDATE customer SET name = 'lost'; UPDATE orders SET note = 'lost'`),
    async killed(entity, asked, at = place) {
      await killedWhereItStops(dialect, at.other ? other : database, CHILD, [JSON.stringify(at), JSON.stringify(entity), JSON.stringify(asked)])
      expect(await stagingLeft(dialect, at.other ? other : database)).not.toEqual([])
    },
    async withShop(work, at = place) {
      const taken: object[] = []
      const note = (facts: object, message: string) => void (message.includes('taken up') && taken.push(facts))
      const shop = await stagingShop(at, { logger: new Proxy({} as Logger, { get: () => note }) })
      try {
        return { result: await work(shop.holdfast), taken }
      } finally {
        await shop.close()
      }
    },
    async close() {
      await database.drop()
      await other.drop()
      folder.remove()
    },
  }
}

describe.each(PLACES.filter(([, dialect]) => takesUp(dialect)))('kill -9 while records are staged, %s on %s', (orm, dialect) => {
  let bench: Bench
  let whole: string
  let snapshot: string

  beforeAll(async () => {
    bench = await openBench(orm, dialect)
    whole = await bench.image()
    ;({
      result: { snapshotId: snapshot },
    } = await bench.withShop((shop) => shop.backups.run('shop')))
  }, 120_000)
  afterAll(() => bench?.close())

  it.each([{ staged: ['Customer'] }, { staged: ['Customer', 'Order'] }])(
    'of $staged: all is as it was, and the same restore goes on with what is there',
    { timeout: 180_000 },
    async ({ staged }) => {
      await bench.spoil()
      const damaged = await bench.image()
      await bench.killed(staged.at(-1)!, { snapshot, policy: 'overwrite' })
      expect(await bench.image()).toEqual(damaged)
      // A backup that comes in between takes nothing away.
      await bench.withShop((shop) => shop.backups.run('shop'))
      const { result, taken } = await bench.withShop((shop) => shop.restores.restore({ snapshot, policy: 'overwrite' }))
      expect(taken).toMatchObject(staged.map((entity) => ({ entity, records: ROWS })))
      expect(result.totals).toMatchObject({ update: 2 * ROWS })
      expect(await bench.image()).toEqual(whole)
      expect(await stagingLeft(dialect, bench.database)).toEqual([])
    },
  )
})

describe.each(PLACES.filter(([orm]) => orm === 'TypeORM'))('what a killed restore had staged, %s on %s, is not taken up', (orm, dialect) => {
  let bench: Bench
  let snapshot: string

  beforeAll(async () => {
    bench = await openBench(orm, dialect)
    ;({
      result: { snapshotId: snapshot },
    } = await bench.withShop((shop) => shop.backups.run('shop')))
  }, 120_000)
  afterAll(() => bench?.close())
  beforeEach(() => bench.spoil())

  it('by the restore of another snapshot', { timeout: 180_000 }, async () => {
    const { result } = await bench.withShop((shop) => shop.backups.run('shop'))
    await bench.killed('Customer', { snapshot, policy: 'overwrite' })
    const { taken } = await bench.withShop((shop) => shop.restores.restore({ snapshot: result.snapshotId, policy: 'overwrite' }))
    expect(taken).toEqual([])
    expect(await bench.image()).toContain('lost')
    expect(await stagingLeft(dialect, bench.database)).toEqual([])
  })

  it('by the application of another plan', { timeout: 180_000 }, async () => {
    const { result: plans } = await bench.withShop(async (shop) => {
      const request = { snapshot, policy: 'overwrite' } as const
      return [await shop.restores.plan(request), await shop.restores.plan({ ...request, entities: ['Customer'] })]
    })
    await bench.killed('Customer', plans[0]!.planId)
    const { result, taken } = await bench.withShop((shop) => shop.restores.apply(plans[1]!))
    expect(taken).toEqual([])
    expect(result.totals).toMatchObject({ update: ROWS })
  })

  it('when only some fields are chosen now', { timeout: 180_000 }, async () => {
    await bench.killed('Customer', { snapshot, policy: 'overwrite' })
    const select = [pick('Order', { fields: ['note'] as never }), pick('Customer', { fields: ['name'] as never })]
    const { result, taken } = await bench.withShop((shop) => shop.restores.restore({ snapshot, select, policy: 'overwrite' }))
    expect(result.totals).toMatchObject({ update: 2 * ROWS })
    // Of the customers these are all fields beside the key: their lines are those of before.
    expect(taken).toMatchObject([{ entity: 'Customer', records: ROWS }])
    await bench.spoil()
    await bench.killed('Order', { snapshot, policy: 'overwrite' })
    expect((await bench.withShop((shop) => shop.restores.restore({ snapshot, select: [select[0]!], policy: 'overwrite' }))).taken).toEqual([])
  })

  it('when values are masked with another key', { timeout: 180_000 }, async () => {
    const request = { snapshot, policy: 'overwrite', into: { default: 'other' }, mask: true } as const
    const masked = (key: string) => ({ ...bench.place, other: { location: bench.other.location, key } })
    const [first, second] = [masked('a key of sixteen bytes or more'), masked('another key of sixteen bytes')]
    // What is empty is not staged.
    const begin = () => bench.other.run(`DELETE FROM orders; DELETE FROM customer; INSERT INTO customer VALUES (1, 'somebody')`)
    await begin()
    await bench.withShop((shop) => shop.restores.restore(request), second)
    const expected = await bench.image(bench.other)
    await begin()
    await bench.killed('Customer', request, first)
    expect((await bench.withShop((shop) => shop.restores.restore(request), second)).taken).toEqual([])
    expect(await bench.image(bench.other)).toEqual(expected)
  })
})
