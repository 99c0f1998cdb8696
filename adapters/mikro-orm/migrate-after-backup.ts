import { type BackupsBeforeMigrations, migrateAfterBackup, type MigrateAfterBackupOptions, type MigratedAfterBackup } from '../sql/migrate-after-backup.ts'

/** What is used of a `MikroORM` with the extension `Migrator`. */
export interface MikroOrmMigrations {
  readonly migrator: PendingMigrations & { up(): Promise<readonly { readonly name: string }[]> }
}

/** The first is of MikroORM 7, the second of 6. */
type PendingMigrations = { getPending(): Promise<readonly unknown[]> } | { getPendingMigrations(): Promise<readonly unknown[]> }

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
  const { migrator } = orm
  const pending = () => ('getPending' in migrator ? migrator.getPending() : migrator.getPendingMigrations())
  return migrateAfterBackup(
    { arePending: async () => (await pending()).length > 0, run: async () => (await migrator.up()).map(({ name }) => name) },
    holdfast,
    options,
  )
}
