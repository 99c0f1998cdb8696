import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntityStore } from '../../src/contracts/index.ts'
import type { ZooDialect } from '../fixtures/zoo/dialect.ts'
import { mappingText } from '../fixtures/zoo/mapping-text.ts'
import { zooRows, type ZooTable } from '../fixtures/zoo/rows.ts'
import type { ZooLocation } from '../fixtures/zoo/zoo-location.ts'
import { copyStore } from './store-copy.ts'
import { createZooDatabase, type ZooDatabase } from './zoo-database.ts'

export interface ZooOrm {
  readonly name: string
  readonly expected: (dialect: ZooDialect) => string
  /** Rows of the tables that only this ORM maps. */
  readonly extraRows: readonly ZooTable[]
  open(location: ZooLocation): Promise<{ readonly store: EntityStore; close(): Promise<unknown> }>
}

/** What holds for the zoo under each ORM and on each database: nothing mapped is lost, neither a column nor a row. */
export function describeZoo(orm: ZooOrm): void {
  describe.each(['postgres', 'sqlite'] as const)(`the zoo, ${orm.name} on %s`, (dialect) => {
    const closing: (() => Promise<unknown>)[] = []
    const open = async (database: ZooDatabase) => {
      const opened = await orm.open({ dialect, location: database.location, create: true })
      closing.unshift(() => opened.close())
      return opened.store
    }
    const makeDatabase = async () => {
      const database = await createZooDatabase(dialect)
      closing.push(() => database.drop())
      return database
    }
    let source: ZooDatabase
    let store: EntityStore
    let rows: readonly ZooTable[]

    beforeAll(async () => {
      source = await makeDatabase()
      store = await open(source)
      rows = zooRows(dialect, orm.extraRows)
      await source.seed(rows)
    })
    afterAll(async () => {
      for (const close of closing) await close()
    })

    it('maps every entity as expected', () => {
      expect(mappingText(store.mapping)).toBe(orm.expected(dialect))
    })

    it('maps every table and every column that the database has', async () => {
      const image = await source.image()
      const inDatabase = Object.entries(image).flatMap(([table, columns]) => Object.keys(columns).map((column) => `${table}.${column}`))
      const mapped = store.mapping.entities.flatMap(({ schema, table, fields }) =>
        fields.map(({ column }) => `${schema ? `${schema}.` : ''}${table}.${column}`),
      )
      expect(mapped.toSorted()).toEqual(inDatabase.toSorted())
    })

    it('has rows in every table', async () => {
      const image = await source.image()
      expect(Object.entries(image).filter(([, columns]) => Object.values(columns)[0]?.length === 0)).toEqual([])
    })

    it.each(['staged', 'direct'] as const)('takes every row over to an empty twin, %s', async (mode) => {
      const target = await makeDatabase()
      const twin = await open(target)
      await copyStore(store, twin, { mode })
      const [before, after] = [await source.image(), await target.image()]
      expect(after).toEqual(before)
      // The database makes the next key above the greatest that came back.
      expect(await target.insertComputed()).toBe(Math.max(...before['zoo_computed']!['id']!.map(wholeNumber)) + 1)
    })
  })
}

/** Images of SQLite carry the storage class: `integer 10`. */
function wholeNumber(text: string | null): number {
  return Number(text?.replace('integer ', ''))
}
