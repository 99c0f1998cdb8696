/** `read`: looks, and gives no record values. `control`: changes something, or gives record values or tokens. */
export type Action = 'read' | 'control'

interface OperationFacts {
  readonly action: Action
  readonly summary: string
}

/** Everything that can be asked over HTTP and the right it takes. The names are the `operationId`s of the OpenAPI document. */
export const OPERATIONS = {
  listPlans: { action: 'read', summary: 'Plans as they are resolved against the entity stores' },
  getInventory: { action: 'read', summary: 'Entities that the plans cover, those that are excluded and why, and those that nobody thought of' },
  startBackup: { action: 'control', summary: 'Start a backup' },
  listBackups: { action: 'read', summary: 'Backups of this process, newest first' },
  getBackup: { action: 'read', summary: 'State, progress and result of a backup' },
  followBackup: { action: 'read', summary: 'Progress of a backup as server-sent events' },
  pauseBackup: { action: 'control', summary: 'Pause a backup and get its continuation token' },
  resumeBackup: { action: 'control', summary: 'Go on with a backup by its continuation token' },
  cancelBackup: { action: 'control', summary: 'Cancel a backup for good' },
  listUnfinishedBackups: { action: 'read', summary: 'Backups of any process that can still be resumed' },
  listSnapshots: { action: 'read', summary: 'Snapshots, newest first' },
  getSnapshot: { action: 'read', summary: 'What a snapshot holds, entity by entity' },
  deleteSnapshot: { action: 'control', summary: 'Hide a snapshot behind a tombstone' },
  holdSnapshot: { action: 'control', summary: 'Keep a snapshot from being deleted until it is released' },
  listHolds: { action: 'read', summary: 'What keeps snapshots from being deleted, and why' },
  releaseHold: { action: 'control', summary: 'Let go of a snapshot that is held' },
  retainSnapshots: { action: 'control', summary: 'Delete the snapshots that no rule keeps, or say which those are' },
  listAudit: { action: 'read', summary: 'What took backups away, newest first: who, when, why' },
  eraseRecord: { action: 'control', summary: 'Keep a record out of every later restore and read, and of the snapshots where that is asked for' },
  listErasures: { action: 'read', summary: 'Erasures of the ledger; none tells who was erased' },
  verifySnapshot: { action: 'control', summary: 'Read a snapshot back from storage' },
  exportBundle: { action: 'control', summary: 'Download a snapshot as one file' },
  importBundle: { action: 'control', summary: 'Upload a snapshot in one file into a bucket' },
  startRestore: { action: 'control', summary: 'Start a restore, or a dry run of one' },
  startNamedRestore: { action: 'control', summary: 'Start a restore that the application has declared, or a dry run of it' },
  planNamedRestore: { action: 'control', summary: 'Plan a restore that the application has declared, to be applied as it is shown' },
  listNamedRestores: { action: 'read', summary: 'Restores that the application has declared' },
  listRestores: { action: 'read', summary: 'Restores of this process, newest first' },
  getRestore: { action: 'read', summary: 'State, progress and result of a restore' },
  followRestore: { action: 'read', summary: 'Progress of a restore as server-sent events' },
  planRestore: { action: 'control', summary: 'Plan a restore, to be applied exactly as it is shown' },
  getRestorePlan: { action: 'read', summary: 'A restore plan, as JSON or for people' },
  listRestorePlanRows: { action: 'control', summary: 'Every row that a restore plan touches, and why' },
  applyRestorePlan: { action: 'control', summary: 'Do exactly what a restore plan says, or nothing when a row has moved' },
  undoRestore: { action: 'control', summary: 'Take a restore back' },
  replayRestore: { action: 'control', summary: 'Try the records again that a restore left out' },
  listRestoreHistory: { action: 'read', summary: 'What was restored, applied, replayed and undone, newest first: who, when, what' },
  cancelRestore: { action: 'control', summary: 'Cancel a restore; nothing of it is committed' },
  getRestoreDiagnostics: { action: 'control', summary: 'Records that a restore could not bring back, and why' },
  getBackupHealth: { action: 'read', summary: 'Age of the newest snapshot of each plan' },
} as const satisfies Record<string, OperationFacts>

export type Operation = keyof typeof OPERATIONS
