import { type BackupsBeforeMigrations, migrateAfterBackup, type MigrateAfterBackupOptions, type MigratedAfterBackup } from '../sql/migrate-after-backup.ts'

/** What is used of a `MikroORM` with the extension `Migrator`. */
export interface MikroOrmMigrations {
  readonly migrator: {
    getPending(): Promise<readonly unknown[]>
    up(): Promise<readonly { readonly name: string }[]>
  }
}

/**
 * In place of `orm.migrator.up()` and `mikro-orm migration:up`: takes a snapshot of the plan first, when migrations are pending, and migrates only when it is committed.
 *
 * @throws `E_MIGRATION`, with the snapshots in `details`; everything a backup throws, and nothing was migrated then
 */
export async function migrateUpAfterBackup(
  orm: MikroOrmMigrations,
  holdfast: BackupsBeforeMigrations,
  options: MigrateAfterBackupOptions,
): Promise<MigratedAfterBackup> {
  return migrateAfterBackup(
    { arePending: async () => (await orm.migrator.getPending()).length > 0, run: async () => (await orm.migrator.up()).map(({ name }) => name) },
    holdfast,
    options,
  )
}
