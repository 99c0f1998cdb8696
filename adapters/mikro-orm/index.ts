export { type MikroOrmStoreOptions, mikroOrmStore } from './mikro-orm-store.ts'
export type { MikroOrmInstance } from './mikro-orm-instance.ts'
export { migrateUpAfterBackup, type MikroOrmMigrations } from './migrate-after-backup.ts'
export type { BackupsBeforeMigrations, MigrateAfterBackupOptions, MigratedAfterBackup } from '../sql/migrate-after-backup.ts'
