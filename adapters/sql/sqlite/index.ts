export { createSqliteStore, type SqliteStoreOptions } from './store.ts'
export type { SqliteDatabase, SqliteDriver, SqliteStatement } from './driver.ts'
export type { MigrationTable } from './migrations.ts'
