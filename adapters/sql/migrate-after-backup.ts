import type { AbortableOptions } from '../../src/kernel/abort.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../src/kernel/errors.ts'
import { assertKnownOptions } from '../../src/kernel/known-options.ts'

/** What `createHoldfast` gives, as far as a migration needs it. */
export interface BackupsBeforeMigrations {
  readonly backups: {
    run(
      planId: string,
      options: AbortableOptions & { readonly trigger: 'automatic'; readonly metadata: Readonly<Record<string, string>> },
    ): Promise<{ readonly snapshotId: string }>
  }
  readonly plans: { resolved(planId: string): { readonly entities: readonly unknown[] } }
}

export interface MigrateAfterBackupOptions extends AbortableOptions {
  /** The plan that is backed up, or several, one after the other. */
  readonly plan: string | readonly string[]
  /** Kept in the snapshots, beside `before: migration`. */
  readonly metadata?: Readonly<Record<string, string>>
}

export interface MigratedAfterBackup {
  /** What was taken before anything was migrated, in the order of the plans; empty when no migration was pending, or none of the tables was there yet. */
  readonly snapshots: readonly string[]
  /** Names of the migrations that were run, in their order. */
  readonly migrations: readonly string[]
}

export interface Migrations {
  arePending(): Promise<boolean>
  /** Names of those that were run. */
  run(): Promise<readonly string[]>
}

/**
 * Backs up, then migrates; does neither where nothing is pending. A plan of whose tables none is there is passed over: the database is new.
 *
 * @throws `E_PLAN_UNKNOWN`, `E_CONFIG`, and whatever ends a backup, `E_SCHEMA_DRIFT` among it: nothing was migrated then. `E_MIGRATION` when a migration fails, with `details.snapshots`.
 */
export async function migrateAfterBackup(
  migrations: Migrations,
  { backups, plans }: BackupsBeforeMigrations,
  options: MigrateAfterBackupOptions,
): Promise<MigratedAfterBackup> {
  assertKnownOptions(options, ['plan', 'metadata', 'signal'], 'a backup before migrations')
  const { plan, metadata = {}, signal } = options
  const ids = typeof plan === 'string' ? [plan] : plan
  if (!Array.isArray(ids) || ids.length === 0)
    throw new HoldfastError('E_CONFIG', '`plan` names no plan', { hint: 'Name the plan that is to be backed up before the migrations.' })
  for (const id of ids) plans.resolved(id)
  throwIfAborted(signal)
  if (!(await migrations.arePending())) return { snapshots: [], migrations: [] }
  const snapshots: string[] = []
  for (const id of ids) {
    try {
      const { snapshotId } = await backups.run(id, { trigger: 'automatic', metadata: { ...metadata, before: 'migration' }, ...(signal ? { signal } : {}) })
      snapshots.push(snapshotId)
    } catch (error) {
      if (isEmptyDatabase(error, plans.resolved(id).entities.length)) continue
      throw isHoldfastError(error, 'E_SCHEMA_DRIFT') ? ahead(error) : error
    }
  }
  throwIfAborted(signal)
  try {
    return { snapshots, migrations: await migrations.run() }
  } catch (cause) {
    throw new HoldfastError('E_MIGRATION', `a migration failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, details: { snapshots } })
  }
}

/** Every table of the plan is missing. */
function isEmptyDatabase(error: unknown, entities: number): boolean {
  if (!isHoldfastError(error, 'E_SCHEMA_DRIFT') || !Array.isArray(error.details.missing)) return false
  const missing = error.details.missing as readonly { readonly entity: string; readonly column?: string }[]
  return missing.every(({ column }) => column === undefined) && new Set(missing.map(({ entity }) => entity)).size === entities
}

function ahead(cause: HoldfastError): HoldfastError {
  return new HoldfastError('E_SCHEMA_DRIFT', `${cause.reason}; nothing was backed up, and nothing migrated`, {
    cause,
    details: cause.details,
    hint: 'The entities are those after the migrations. Back up by the entities of the release before: hand over a Holdfast whose store maps them.',
  })
}
