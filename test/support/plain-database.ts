import { join } from 'node:path'
import libsql from 'libsql'
import type { TestDialect } from './declared-tables.ts'
import { createMysqlDatabase } from './mysql.ts'
import { createTestDatabase } from './postgres.ts'

/** A database of its own, with hands on it past any ORM. */
export interface PlainDatabase {
  readonly location: string
  run(sql: string): Promise<void>
  rows(sql: string): Promise<readonly Record<string, unknown>[]>
  drop(): Promise<void>
}

/** An empty one; that of SQLite is a file in the folder. */
export async function openPlainDatabase(dialect: TestDialect, folder: string, name = 'shop'): Promise<PlainDatabase> {
  if (dialect !== 'sqlite') {
    const database = await (dialect === 'postgres' ? createTestDatabase() : createMysqlDatabase())
    return {
      location: database.url,
      run: async (sql) => void (await database.query(sql)),
      rows: (sql) => database.query(sql),
      drop: () => database.drop(),
    }
  }
  const location = join(folder, `${name}.db`)
  const database = new libsql(location)
  database.exec('PRAGMA journal_mode = wal; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF')
  return {
    location,
    run: async (sql) => void database.exec(sql),
    rows: async (sql) => database.prepare(sql).all() as Record<string, unknown>[],
    drop: async () => void database.close(),
  }
}
