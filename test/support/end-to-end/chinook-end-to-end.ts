import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntityDescriptor } from '../../../src/contracts/index.ts'
import { CHINOOK_MISSING, copyChinookSqlite, loadChinookMysql, loadChinookPostgres } from '../../fixtures/chinook/chinook-data.ts'
import { type ChinookDialect, chinookName } from '../../fixtures/chinook/chinook-names.ts'
import { failure } from '../failure.ts'
import { mysqlUrl } from '../mysql.ts'
import { notRun } from '../not-run.ts'
import { type BackedUpTwins, backedUpTwins } from './backed-up-twins.ts'
import { createLiveDatabase, type LiveDatabase, quoteColumn } from './live-database.ts'
import type { OrmUnderTest } from './orm-under-test.ts'

const ROWS = 15_607

/** A shop of real size and shape, by the public API alone: lost, damaged by a bad script, and mended by and by. */
export function describeChinookEndToEnd(orm: OrmUnderTest, dialect: ChinookDialect): void {
  const title = `Chinook end to end, ${orm.name} on ${dialect}`
  if (CHINOOK_MISSING !== null) {
    notRun(title, CHINOOK_MISSING, { required: false })
    describe(title, () => {
      it('is listed as not run', () => expect(CHINOOK_MISSING).toBeTruthy())
    })
    return
  }
  describe.skipIf(dialect === 'mysql' && mysqlUrl() === null)(title, () => {
    let twins: BackedUpTwins
    let twin: LiveDatabase
    let truth: Awaited<ReturnType<LiveDatabase['image']>>
    let schema: unknown
    const table = (name: string) => ({ table: chinookName(dialect, name) })
    const sql = (name: string) => quoteColumn(chinookName(dialect, name))
    const entity = (name: string): EntityDescriptor => twins.entities.find((each) => each.table === table(name).table)!
    const restore = (options: { policy?: 'overwrite'; dryRun?: boolean; entities?: readonly string[]; samples?: number } = {}) =>
      twins.holdfast.restores.restore({ snapshot: twins.snapshot, into: { source: 'twin' }, ...options })
    const counted = (entities: readonly { entity: string; create: number; update: number; identical: number; extra: number }[]) =>
      Object.fromEntries(
        entities
          .filter(({ create, update, extra }) => create + update + extra > 0)
          .map(({ entity: name, create, update, extra }) => [name, { create, update, extra }]),
      )

    beforeAll(async () => {
      twins = await backedUpTwins({
        async create(rows) {
          const database = await createLiveDatabase(dialect)
          if (dialect === 'sqlite') copyChinookSqlite(database.location, { rows })
          else {
            const load = dialect === 'mysql' ? loadChinookMysql : loadChinookPostgres
            // MySQL refuses an empty statement, such as stands behind the last semicolon of the script.
            await load({ query: async (script) => (await database.carelessly(dialect === 'mysql' ? `${script} DO 1` : script), []) }, { rows })
          }
          return database
        },
        open: (database, storeName) => orm.openChinook(dialect, database.location, storeName),
      })
      ;({ twin } = twins)
      truth = await twins.source.image()
      schema = await twin.schema()
    })
    afterAll(() => twins.close())

    it('comes back into the empty twin whole', async () => {
      const result = await restore()
      expect(result.totals).toMatchObject({ records: ROWS, create: ROWS })
      expect(await twin.image()).toEqual(truth)
      expect(await twin.schema()).toEqual(schema)
    })

    it('is mended after a bad script: rows gone with their children, a column ruined, a key changed', async () => {
      const [invoices, lines] = [await twin.count(table('invoice'), `${sql('customerId')} = 2`), await twin.count(table('invoiceLine'), ofCustomerTwo())]
      expect(Math.min(invoices, lines)).toBeGreaterThan(5)
      await twin.carelessly(
        `DELETE FROM ${sql('invoiceLine')} WHERE ${ofCustomerTwo()}`,
        `DELETE FROM ${sql('invoice')} WHERE ${sql('customerId')} = 2`,
        `DELETE FROM ${sql('customer')} WHERE ${sql('customerId')} = 2`,
        `UPDATE ${sql('track')} SET ${sql('unitPrice')} = 0 WHERE ${sql('trackId')} <= 300`,
        `UPDATE ${sql('genre')} SET ${sql('genreId')} = 2500 WHERE ${sql('genreId')} = 25`,
      )
      const broken = await twin.image()
      const expected = {
        [entity('customer').name]: { create: 1, update: 0, extra: 0 },
        [entity('invoice').name]: { create: invoices, update: 0, extra: 0 },
        [entity('invoiceLine').name]: { create: lines, update: 0, extra: 0 },
        [entity('track').name]: { create: 0, update: 300, extra: 0 },
        [entity('genre').name]: { create: 1, update: 0, extra: 1 },
      }

      const look = await restore({ policy: 'overwrite', dryRun: true, samples: 2 })
      expect(counted(look.entities)).toEqual(expected)
      expect(look.totals.records).toBe(ROWS)
      const samples = look.entities.find((each) => each.entity === entity('track').name)!.samples
      expect(samples).toHaveLength(2)
      expect(samples[0]!.changes.map(({ field }) => field)).toEqual(['unitPrice'])
      expect(await twin.image()).toEqual(broken)

      // Children whose parents stay lost are refused, told one by one, and nothing is written.
      const error = await failure(restore({ policy: 'overwrite', entities: [entity('invoiceLine').name] }), 'E_RESTORE_REJECTED')
      expect(error.details).toMatchObject({ problemCount: lines })
      const diagnostics = await twins.holdfast.restores.diagnostics(error.details.restoreId as string)
      expect(diagnostics).toMatchObject({ snapshotId: twins.snapshot, code: 'E_RESTORE_REJECTED', total: lines, causes: { 'missing-parent': lines } })
      expect(diagnostics!.entries[0]).toMatchObject({ store: 'twin', entity: entity('invoiceLine').name, attempt: 1, cause: 'missing-parent' })
      expect(await twin.image()).toEqual(broken)

      const chosen = [entity('customer'), entity('invoice'), entity('invoiceLine')]
      const some = await restore({ policy: 'overwrite', entities: chosen.map(({ name }) => name) })
      expect(some.entities.map(({ entity: name }) => name).toSorted()).toEqual(chosen.map(({ name }) => name).toSorted())
      const between = await twin.image()
      for (const each of chosen) expect(between[each.table]).toEqual(truth[each.table])
      expect(between[entity('track').table]).toEqual(broken[entity('track').table])

      const before = await twin.rowVersions(entity('track'))
      const rest = await restore({ policy: 'overwrite' })
      expect(counted(rest.entities)).toEqual({ [entity('track').name]: expected[entity('track').name], [entity('genre').name]: expected[entity('genre').name] })
      if (before) {
        const after = await twin.rowVersions(entity('track'))
        expect([...before].filter(([key, version]) => after!.get(key) !== version)).toHaveLength(300)
      }
      await twin.carelessly(`DELETE FROM ${sql('genre')} WHERE ${sql('genreId')} = 2500`)
      expect(await twin.image()).toEqual(truth)
      expect(await twin.schema()).toEqual(schema)
    })

    function ofCustomerTwo(): string {
      return `${sql('invoiceId')} IN (SELECT ${sql('invoiceId')} FROM ${sql('invoice')} WHERE ${sql('customerId')} = 2)`
    }
  })
}
