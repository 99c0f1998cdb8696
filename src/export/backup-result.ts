import type { HookRecord } from '../contracts/hooks.ts'
import type { Manifest, SnapshotKind } from '../archive/index.ts'
import type { ConsistencyLevel } from '../contracts/consistent-view.ts'

export interface BackupEntityResult {
  readonly store: string
  readonly entity: string
  readonly rows: number
  /** Chunks that together hold it. */
  readonly chunks: number
  /** Key ranges taken over as they were found unchanged under the final view, instead of being read. */
  readonly reusedChunks: number
  readonly plainBytes: number
  /** Bytes of its chunks as stored, key indexes not counted; also of chunks that were in the repository before. */
  readonly storedBytes: number
}

/** A committed snapshot. It exists only when the manifest is stored and was read back. */
export interface BackupResult {
  readonly snapshotId: string
  readonly planId: string
  readonly kind: SnapshotKind
  /** Why the kind is another one than was asked for; null when it is not. */
  readonly kindReason: string | null
  /** The snapshot it was built on; null for a full. Nothing of it is needed to restore this one. */
  readonly parent: string | null
  /** When the session began, ISO 8601 UTC by the host's clock. */
  readonly startedAt: string
  /** The moment whose state the snapshot holds, by the database's clock. */
  readonly viewAt: string
  /** By the host's clock. */
  readonly committedAt: string
  readonly consistency: ConsistencyLevel
  /** Why the consistency is not higher, and the like. For people. */
  readonly warnings: readonly string[]
  readonly entities: readonly BackupEntityResult[]
  readonly totals: { readonly entities: number; readonly rows: number; readonly chunks: number; readonly plainBytes: number; readonly storedBytes: number }
  /** How the application's hooks went. `afterBackup` is known to the run that called it only. */
  readonly hooks: readonly HookRecord[]
  /** From the session's start to the commit, pauses included. */
  readonly durationMs: number
}

/** The result as the manifest tells it: the same for the run that committed it and for whoever resumes the completed session later. */
export function backupResult(manifest: Manifest): BackupResult {
  const { times } = manifest
  return {
    snapshotId: manifest.snapshotId,
    planId: manifest.plan.id,
    kind: manifest.kind,
    kindReason: manifest.kindReason ?? null,
    parent: manifest.parent,
    startedAt: times.startedAt,
    viewAt: times.viewAt,
    committedAt: times.committedAt,
    consistency: manifest.consistency.level,
    warnings: manifest.consistency.warnings,
    entities: manifest.entities.map((entity) => ({
      store: entity.descriptor.store,
      entity: entity.descriptor.name,
      rows: entity.rows,
      chunks: entity.ranges.reduce((count, range) => count + range.layers.length, 0),
      reusedChunks: entity.change.reused,
      plainBytes: entity.plainBytes,
      storedBytes: entity.storedBytes,
    })),
    totals: manifest.totals,
    hooks: manifest.hooks ?? [],
    durationMs: Math.max(0, Date.parse(times.committedAt) - Date.parse(times.startedAt)),
  }
}
