export { type TypeormStoreOptions, typeormStore } from './typeorm-store.ts'
export type { TypeormDataSource } from './typeorm-data-source.ts'
export { runMigrationsAfterBackup, type RunMigrationsAfterBackupOptions, type TypeormMigrations } from './run-migrations-after-backup.ts'
export type { BackupsBeforeMigrations, MigrateAfterBackupOptions, MigratedAfterBackup } from '../sql/migrate-after-backup.ts'
