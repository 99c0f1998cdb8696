import type { Route } from '../route-context.ts'
import { cancelBackup } from './cancel-backup.ts'
import { cancelRestore } from './cancel-restore.ts'
import { deleteSnapshot } from './delete-snapshot.ts'
import { followBackup } from './follow-backup.ts'
import { followRestore } from './follow-restore.ts'
import { getBackup } from './get-backup.ts'
import { getBackupHealth } from './get-backup-health.ts'
import { getInventory } from './get-inventory.ts'
import { getRestore } from './get-restore.ts'
import { getRestoreDiagnostics } from './get-restore-diagnostics.ts'
import { getSnapshot } from './get-snapshot.ts'
import { listBackups } from './list-backups.ts'
import { listPlans } from './list-plans.ts'
import { listRestores } from './list-restores.ts'
import { listSnapshots } from './list-snapshots.ts'
import { listUnfinishedBackups } from './list-unfinished-backups.ts'
import { pauseBackup } from './pause-backup.ts'
import { resumeBackup } from './resume-backup.ts'
import { startBackup } from './start-backup.ts'
import { startRestore } from './start-restore.ts'
import { verifySnapshot } from './verify-snapshot.ts'

/** Change nothing, and show neither record values nor tokens to whoever may only read. */
export const READ_ROUTES: readonly Route[] = [
  listPlans,
  getInventory,
  listBackups,
  getBackup,
  followBackup,
  listUnfinishedBackups,
  listSnapshots,
  getSnapshot,
  listRestores,
  getRestore,
  followRestore,
  getBackupHealth,
]

/** Change nothing, but tell of records. Not served to anybody who happens to come by. */
export const RECORD_ROUTES: readonly Route[] = [getRestoreDiagnostics]

export const CONTROL_ROUTES: readonly Route[] = [
  startBackup,
  pauseBackup,
  resumeBackup,
  cancelBackup,
  deleteSnapshot,
  verifySnapshot,
  startRestore,
  cancelRestore,
]
