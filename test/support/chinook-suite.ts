import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntityStore } from '../../src/contracts/index.ts'
import { CHINOOK_MISSING, copyChinookSqlite, loadChinookPostgres } from '../fixtures/chinook/chinook-data.ts'
import type { ZooDialect } from '../fixtures/zoo/dialect.ts'
import { type DatabaseImage, postgresImage, sqliteImage } from './database-image.ts'
import { notRun } from './not-run.ts'
import { createTestDatabase } from './postgres.ts'
import { copyStore } from './store-copy.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface ChinookOrm {
  readonly name: string
  open(dialect: ZooDialect, location: string): Promise<{ readonly store: EntityStore; close(): Promise<unknown> }>
}

interface ChinookDatabase {
  readonly location: string
  image(): Promise<DatabaseImage>
  drop(): Promise<void>
}

const DATABASES: Record<Exclude<ZooDialect, 'mysql'>, (rows: boolean) => Promise<ChinookDatabase>> = {
  async postgres(rows) {
    const database = await createTestDatabase()
    await loadChinookPostgres(database, { rows })
    return { location: database.url, image: () => postgresImage(database), drop: () => database.drop() }
  },
  async sqlite(rows) {
    const folder = temporaryFolder()
    const location = join(folder.path, 'chinook.db')
    copyChinookSqlite(location, { rows })
    return { location, image: async () => sqliteImage(location), drop: async () => folder.remove() }
  },
}

/** A real database of 15 607 rows, mapped by hand in an application's way. Its data is not part of the project. */
export function describeChinook(orm: ChinookOrm): void {
  if (CHINOOK_MISSING !== null) {
    notRun(`Chinook, ${orm.name}`, CHINOOK_MISSING, { required: false })
    describe(`Chinook, ${orm.name}`, () => {
      it('is listed as not run', () => expect(CHINOOK_MISSING).toBeTruthy())
    })
    return
  }
  describe.each(['postgres', 'sqlite'] as const)(`Chinook, ${orm.name} on %s`, (dialect) => {
    const closing: (() => Promise<unknown>)[] = []
    const start = async (rows: boolean) => {
      const database = await DATABASES[dialect](rows)
      closing.unshift(() => database.drop())
      const opened = await orm.open(dialect, database.location)
      closing.unshift(() => opened.close())
      return { database, store: opened.store }
    }
    let source: { database: ChinookDatabase; store: EntityStore }
    beforeAll(async () => {
      source = await start(true)
    })
    afterAll(async () => {
      for (const close of closing) await close()
    })

    it('maps all eleven tables, each with every column', async () => {
      const image = await source.database.image()
      const inDatabase = Object.entries(image).map(([table, columns]) => [table, Object.keys(columns).toSorted()])
      const mapped = source.store.mapping.entities.map(({ table, fields }) => [table, fields.map(({ column }) => column).toSorted()])
      expect(Object.fromEntries(mapped)).toEqual(Object.fromEntries(inDatabase))
      expect(mapped).toHaveLength(11)
    })

    it('holds the whole shop', async () => {
      const image = await source.database.image()
      expect(Object.values(image).reduce((sum, columns) => sum + (Object.values(columns)[0]?.length ?? 0), 0)).toBe(15_607)
    })

    it.each(['staged', 'direct'] as const)('takes every row over to an empty twin, %s', async (mode) => {
      const target = await start(false)
      await copyStore(source.store, target.store, { mode })
      const [before, after] = [await source.database.image(), await target.database.image()]
      expect(after).toEqual(before)
    })
  })
}
