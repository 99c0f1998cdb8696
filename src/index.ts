export { createHoldfast } from './holdfast.ts'
export type { Holdfast, HoldfastOptions } from './holdfast.ts'

export { BackupEntity, BackupIgnore, BootReport, decorated, definePlan, PlanProblem, Sensitive, TenantProperty } from './plan/index.ts'
export type * from './plan/index.ts'

export type {
  Bucket,
  IBackupDiscoveryService,
  IDataBackupService,
  IDataRestoreService,
  IKeyService,
  ISnapshotComparisonService,
  KeyOptions,
  KeySummary,
} from './service/index.ts'
export type { ResumeBackupOptions, StartBackupOptions } from './service/data-backup-service.ts'
export type { SnapshotQuery, SnapshotSummary, UnfinishedSession, VerifyReport } from './service/backup-discovery-service.ts'
export type { PruneAction, PrunedBucket, PruneItem, PruneKind, PruneOptions, PruneReason, PruneReport, PruneTally } from './catalog/index.ts'
export type { CompareOptions, HistoryOptions } from './service/snapshot-comparison-service.ts'
export type {
  ComparedEntity,
  Comparison,
  ComparisonSummary,
  ComparisonTotals,
  EntityKey,
  FieldDifference,
  JsonValue,
  KeyValue,
  RecordDifference,
  RecordVersion,
  SchemaDifference,
  SnapshotReader,
  SnapshotRecord,
  StreamOptions,
  ReadOptions,
  Condition,
  Where,
} from './compare/index.ts'
export type { BackupEntityResult, BackupResult, BackupSession, BackupSessionState } from './export/index.ts'
export type { RestoreDiagnostic, RestoreDiagnostics, RestoredEntity, RestoreRequest, RestoreResult, RestoreSession, RestoreState } from './restore/index.ts'
export type { EncryptionOptions, Manifest, ManifestEntity, SnapshotKind, VerifyLevel } from './archive/index.ts'
export type { EntityProgress, ProgressHandler, ProgressPhase, ProgressSnapshot } from './progress/index.ts'
export type * from './contracts/index.ts'

export { ERRORS, HoldfastError, isHoldfastError } from './kernel/errors.ts'
export type { AbortableOptions } from './kernel/abort.ts'
export type { Clock } from './kernel/clock.ts'
export type { ErrorCode, ErrorDefinition, HoldfastErrorOptions } from './kernel/errors.ts'
