import { type BackupsBeforeMigrations, migrateAfterBackup, type MigrateAfterBackupOptions, type MigratedAfterBackup } from '../sql/migrate-after-backup.ts'

/** What is used of a TypeORM `DataSource`: `new DataSource({ migrations })`, initialized. */
export interface TypeormMigrations {
  showMigrations(): Promise<boolean>
  runMigrations(options?: { readonly transaction?: 'all' | 'none' | 'each' }): Promise<readonly { readonly name: string }[]>
}

export interface RunMigrationsAfterBackupOptions extends MigrateAfterBackupOptions {
  /** As `runMigrations` of TypeORM takes it. Default: what the data source says. */
  readonly transaction?: 'all' | 'none' | 'each'
}

/**
 * In place of `migration:run` and `dataSource.runMigrations()`: takes a snapshot of the plan first, when migrations are pending, and migrates only when it is committed. The data source is initialized.
 * `DataSource.migrationsRun` must be off, or they run before.
 *
 * @throws `E_MIGRATION`, with the snapshots in `details`; everything a backup throws, and nothing was migrated then
 */
export async function runMigrationsAfterBackup(
  dataSource: TypeormMigrations,
  holdfast: BackupsBeforeMigrations,
  { transaction, ...options }: RunMigrationsAfterBackupOptions,
): Promise<MigratedAfterBackup> {
  return migrateAfterBackup(
    {
      arePending: () => dataSource.showMigrations(),
      run: async () => (await dataSource.runMigrations(transaction === undefined ? undefined : { transaction })).map(({ name }) => name),
    },
    holdfast,
    options,
  )
}
