export type * from './continuation-token.ts'
export type * from './manifest.ts'
export type { ChunkKind, ChunkRef, StoredChunk } from './chunk-ref.ts'
export type { ChunkStore, VerifyLevel } from './chunk-store.ts'
export type { FrameEntry, KeyIndex, RecordPlace } from './key-index.ts'
export type { CondemnedEntry, CondemnedList, CondemnedLog } from './condemned-log.ts'
export { type Pin, PIN_LIFETIME_MS, type PinLog } from './pin-log.ts'
export type { AuditAct, AuditEntry, AuditLog } from './audit-log.ts'
export { assertNotHeld, type Hold, type HoldLog } from './hold-log.ts'
export type { ErasureEntry, ErasureLog } from './erasure-log.ts'
export type { ReferrerLog } from './referrer-log.ts'
export type { ScopeRegister } from './scope-register.ts'
export { jsonElements } from './json-elements.ts'
export type { RestoreLog } from './restore-log.ts'
export {
  type AttemptRecord,
  type ClaimedAttempt,
  type JournalCut,
  type JournalEntry,
  type JournalRange,
  type JournalState,
  type JournalType,
  SESSION_LIFETIME_MS,
  type SessionLiveness,
  type SessionLog,
  type SessionRecord,
} from './session-log.ts'
export { goneSnapshot, type HideOptions, type SnapshotLog, type Tombstone } from './snapshot-log.ts'
export type { EncodedChunk } from './chunk-assembler.ts'
export { type ChunkEncoder, type ChunkEncoderOptions, createChunkEncoder } from './chunk-codec.ts'
export { type CommitOptions, commitSnapshot } from './commit.ts'
export { withCachedIndexes } from './cached-indexes.ts'
export { isProven, REWRITTEN } from './rewritten-evidence.ts'
export { requiredFeatures } from './manifest-rules.ts'
export { manifestTotals, rangeTotals } from './manifest-totals.ts'
export { createDeltaEncoder, type DeltaEncoder } from './delta-codec.ts'
export { parseDeltaText } from './delta-text.ts'
export { findRecord, findRecords } from './find-record.ts'
export { findReferring, readReferring, type ReferringPlace } from './find-referring.ts'
export { ReferenceSearch, type SoughtValues } from './reference-search.ts'
export { layerDelta, type MergedFacts } from './layer-delta.ts'
export { type RestorePart, type ScopeNames, scopeNames } from './object-names.ts'
export { holdsKeys, type RangeKeys, rangeKeys } from './range-keys.ts'
export type { LayeredRange } from './range-layers.ts'
export { readRange } from './read-range.ts'
export { type FoldedRange, foldLayers, type FoldOptions } from './fold-layers.ts'
export { MAX_DELTA_SHARE, MAX_DELTAS, MIN_LEFT_SHARE, shouldFold } from './should-fold.ts'
export { verifyRange } from './verify-range.ts'
export { type OpenRepositoryOptions, openRepository, type Repository, type RepositoryScope, type ScopeObjects } from './repository.ts'
export { rangeSchema, schemaFingerprint } from './schema-fingerprint.ts'
export { assertEncryption, type EncryptionOptions } from './encryption.ts'
export type { KeyRecord, KeyWrap } from './key-record.ts'
export type { KeyRing } from './key-ring.ts'
export { corrupt, missing, tooNew } from './archive-error.ts'
export { createLineMarker } from './mark-lines.ts'
export { sha256 } from './sha256.ts'
export { keyHolders } from './key-holders.ts'
export { checkManifest } from './check-manifest.ts'
export { parseJson } from './object-container.ts'
