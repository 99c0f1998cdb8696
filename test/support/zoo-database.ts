import { join } from 'node:path'
import libsql from 'libsql'
import type { ZooDialect } from '../fixtures/zoo/dialect.ts'
import type { ZooTable } from '../fixtures/zoo/rows.ts'
import { seedPostgres, seedSqlite } from '../fixtures/zoo/seed.ts'
import { type DatabaseImage, postgresImage, sqliteImage } from './database-image.ts'
import { createTestDatabase } from './postgres.ts'
import { temporaryFolder } from './temporary-folder.ts'

export function createZooDatabase(dialect: keyof typeof DATABASES): Promise<ZooDatabase> {
  return DATABASES[dialect]()
}

/** Tables that an ORM makes for its own book-keeping. */
const BOOKKEEPING = ['typeorm_metadata']

/** An empty database for the zoo, of its own. */
export interface ZooDatabase {
  readonly location: string
  seed(rows: readonly ZooTable[]): Promise<void>
  image(): Promise<DatabaseImage>
  /** Inserts a row into `zoo_computed` and returns the key that the database gave it. */
  insertComputed(): Promise<number>
  drop(): Promise<void>
}

const DATABASES: Record<Exclude<ZooDialect, 'mysql'>, () => Promise<ZooDatabase>> = {
  async postgres() {
    const database = await createTestDatabase()
    return {
      location: database.url,
      seed: (rows) => seedPostgres(database, rows),
      image: () => postgresImage(database, { without: BOOKKEEPING }),
      async insertComputed() {
        const [row] = await database.query<{ id: number }>('INSERT INTO zoo_computed (price) VALUES (1) RETURNING id')
        return row!.id
      },
      drop: () => database.drop(),
    }
  },
  async sqlite() {
    const folder = temporaryFolder()
    const location = join(folder.path, 'zoo.db')
    return {
      location,
      async seed(rows) {
        const database = new libsql(location)
        seedSqlite(database, rows)
        database.close()
      },
      image: async () => sqliteImage(location, { without: BOOKKEEPING }),
      async insertComputed() {
        const database = new libsql(location)
        const row = database.prepare('INSERT INTO zoo_computed (price) VALUES (1) RETURNING id').get() as { id: number }
        database.close()
        return row.id
      },
      drop: async () => folder.remove(),
    }
  },
}
