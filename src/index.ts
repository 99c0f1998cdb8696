export { createHoldfast } from './holdfast.ts'
export type { Holdfast, HoldfastOptions } from './holdfast.ts'

export { BackupEntity, BackupIgnore, BootReport, decorated, definePlan, PlanProblem, Sensitive, TenantProperty } from './plan/index.ts'
export type * from './plan/index.ts'

export { inspectBundle } from './service/index.ts'
export type {
  Bucket,
  BundleFacts,
  BundleFrom,
  BundleReport,
  ExportBundleOptions,
  ExportRecordsOptions,
  IBackupDiscoveryService,
  IBundleService,
  IDataBackupService,
  IDataRestoreService,
  EraseOptions,
  ErasureReport,
  ErasureRewrite,
  FoundSubject,
  RewrittenSnapshot,
  RetainedHolding,
  BucketProtection,
  IErasureService,
  IKeyService,
  ImportBundleOptions,
  ImportRecordsOptions,
  ImportReport,
  InspectBundleOptions,
  ISnapshotComparisonService,
  IStorageService,
  KeyListOptions,
  KeyOptions,
  KeySummary,
  RecordsFormat,
  RecordsProgress,
  RecordsReport,
  RestorableQuery,
  StorageCheck,
  StorageCheckOptions,
  StorageMigrateOptions,
} from './service/index.ts'
export type { ResumeBackupOptions, StartBackupOptions } from './service/data-backup-service.ts'
export type { SnapshotQuery, SnapshotSummary, UnfinishedSession, VerifyReport } from './service/backup-discovery-service.ts'
export type {
  CalendarSpan,
  PruneAction,
  PrunedBucket,
  PruneItem,
  PruneKind,
  PruneOptions,
  PruneReason,
  PruneReport,
  PruneScopesOptions,
  PruneTally,
  RetainedSeries,
  RetainedSnapshot,
  RetainOptions,
  RetainReport,
  RetainableSnapshot,
  RetentionLimit,
  RetentionPolicy,
  RetentionReason,
  RetentionStrategy,
} from './catalog/index.ts'
export type { CompareOptions, HistoryOptions } from './service/snapshot-comparison-service.ts'
export type { SeenAs, SeenAsOption } from './service/seen-as.ts'
export type {
  ComparedEntity,
  Comparison,
  ComparisonSummary,
  ComparisonTotals,
  FieldDifference,
  JsonValue,
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
export { maskEntity, masks } from './masking/index.ts'
export type { CustomMask, MaskingOptions, MaskRule } from './masking/index.ts'
export { pick, resolver } from './selection/index.ts'
export type { PickOptions } from './selection/index.ts'
export { fix, removedEntity, renamedFrom, upcast } from './evolution/index.ts'
export type { ArchivedRecord, RenamedOptions, SchemaChange, SchemaOutcome, UpcastOptions } from './evolution/index.ts'
export { ExactNumber } from './record/index.ts'
export { defineRestore } from './restore/index.ts'
export type {
  ApplyOptions,
  DifferingRow,
  NamedRestore,
  NamedRestoreOptions,
  PlannedRow,
  PlanOptions,
  RelatedRows,
  ReplayRequest,
  Resolution,
  RestorableReport,
  RestoreDiagnostic,
  RestoreDiagnostics,
  RestorePlan,
  RestoredEntity,
  RestoreRequest,
  RestoreResult,
  RestoreSession,
  RestoreState,
  RowReason,
  RowResolver,
  RowPick,
  SnapshotAt,
  UndoRequest,
} from './restore/index.ts'
export { planText } from './restore/index.ts'
export type { ErasedCount } from './erasure/index.ts'
export type { TransferProgress } from './bundle/index.ts'
export type { AuditAct, AuditEntry, EncryptionOptions, ErasureEntry, Hold, Manifest, ManifestEntity, SnapshotKind, VerifyLevel } from './archive/index.ts'
export type { EntityProgress, ProgressHandler, ProgressPhase, ProgressSnapshot } from './progress/index.ts'
export type * from './contracts/index.ts'

export { ERRORS, HoldfastError, isHoldfastError } from './kernel/errors.ts'
export type { AbortableOptions } from './kernel/abort.ts'
export type { MigrateProgress, MigrateReport } from './storage/migrate-storage.ts'
export type { Clock } from './kernel/clock.ts'
export type { ErrorCode, ErrorDefinition, HoldfastErrorOptions } from './kernel/errors.ts'
