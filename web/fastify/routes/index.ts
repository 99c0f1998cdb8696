import type { Route } from '../route-context.ts'
import { applyRestorePlan } from './apply-restore-plan.ts'
import { cancelBackup } from './cancel-backup.ts'
import { cancelRestore } from './cancel-restore.ts'
import { deleteSnapshot } from './delete-snapshot.ts'
import { eraseRecord } from './erase-record.ts'
import { exportBundle } from './export-bundle.ts'
import { followBackup } from './follow-backup.ts'
import { followRestore } from './follow-restore.ts'
import { getBackupHealth } from './get-backup-health.ts'
import { getBackup } from './get-backup.ts'
import { getInventory } from './get-inventory.ts'
import { getRestoreDiagnostics } from './get-restore-diagnostics.ts'
import { getRestorePlan } from './get-restore-plan.ts'
import { getRestore } from './get-restore.ts'
import { getSnapshot } from './get-snapshot.ts'
import { holdSnapshot } from './hold-snapshot.ts'
import { importBundle } from './import-bundle.ts'
import { listAudit } from './list-audit.ts'
import { listBackups } from './list-backups.ts'
import { listErasures } from './list-erasures.ts'
import { listHolds } from './list-holds.ts'
import { listNamedRestores } from './list-named-restores.ts'
import { listPlans } from './list-plans.ts'
import { listRestoreHistory } from './list-restore-history.ts'
import { listRestorePlanRows } from './list-restore-plan-rows.ts'
import { listRestores } from './list-restores.ts'
import { listSnapshots } from './list-snapshots.ts'
import { listUnfinishedBackups } from './list-unfinished-backups.ts'
import { pauseBackup } from './pause-backup.ts'
import { planNamedRestore } from './plan-named-restore.ts'
import { planRestore } from './plan-restore.ts'
import { releaseHold } from './release-hold.ts'
import { replayRestore } from './replay-restore.ts'
import { resumeBackup } from './resume-backup.ts'
import { retainSnapshots } from './retain-snapshots.ts'
import { startBackup } from './start-backup.ts'
import { startNamedRestore } from './start-named-restore.ts'
import { startRestore } from './start-restore.ts'
import { undoRestore } from './undo-restore.ts'
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
  listHolds,
  listAudit,
  listErasures,
  listNamedRestores,
  listRestores,
  getRestore,
  followRestore,
  listRestoreHistory,
  getRestorePlan,
  getBackupHealth,
]

/** Change nothing, but give records or tell of them. Not served to anybody who happens to come by. */
export const RECORD_ROUTES: readonly Route[] = [getRestoreDiagnostics, listRestorePlanRows, exportBundle]

export const CONTROL_ROUTES: readonly Route[] = [
  startBackup,
  pauseBackup,
  resumeBackup,
  cancelBackup,
  deleteSnapshot,
  holdSnapshot,
  releaseHold,
  retainSnapshots,
  verifySnapshot,
  importBundle,
  eraseRecord,
  startRestore,
  planRestore,
  applyRestorePlan,
  undoRestore,
  replayRestore,
  startNamedRestore,
  planNamedRestore,
  cancelRestore,
]
