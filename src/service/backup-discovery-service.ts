import type { AuditEntry, Hold, Manifest, VerifyLevel } from '../archive/index.ts'
import type { PruneReport, PruneScopesOptions, RetainOptions, RetainReport } from '../catalog/index.ts'
import type { SnapshotReader } from '../compare/index.ts'
import type { ConsistencyLevel } from '../contracts/consistent-view.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { BackupPlan, Inventory } from '../plan/index.ts'
import type { SeenAsOption } from './seen-as.ts'

export interface SnapshotSummary {
  readonly id: string
  readonly planId: string
  readonly kind: 'full' | 'incremental' | 'differential'
  /** ISO time of the state it holds, by the database's clock. */
  readonly viewAt: string
  readonly committedAt: string
  readonly consistency: ConsistencyLevel
  readonly trigger: 'manual' | 'automatic'
  readonly metadata: Readonly<Record<string, string>>
  readonly entities: number
  readonly rows: number
  readonly plainBytes: number
  readonly storedBytes: number
}

export interface UnfinishedSession {
  readonly id: string
  readonly planId: string
  readonly startedAt: string
  /** `running`: some process wrote to it within its lease; `paused` by its owner; `interrupted`: it failed or its process died. */
  readonly state: 'running' | 'paused' | 'interrupted'
  /** Continuation token to resume it with. */
  readonly token: string
}

export interface VerifyReport {
  readonly snapshotId: string
  readonly level: VerifyLevel
  readonly chunks: number
  readonly bytes: number
  /** Empty when the snapshot is sound. */
  readonly damages: readonly { readonly store: string; readonly entity: string; readonly object: string; readonly code: string; readonly message: string }[]
}

export interface SnapshotQuery extends ScopeOption {
  readonly plan?: string
  /** Newest first; default all. */
  readonly limit?: number
}

/** What is declared and what is stored. */
export interface IBackupDiscoveryService {
  plans(): readonly BackupPlan[]
  /** Which entities the plans cover, which are excluded and why, and which nobody thought of. */
  inventory(): Inventory
  /** Snapshots in all buckets, of one tenant or of plans without tenants, newest first. A snapshot that cannot be read throws: it is never passed over in silence. */
  snapshots(query?: SnapshotQuery): Promise<readonly SnapshotSummary[]>
  /** @throws `E_SNAPSHOT_UNKNOWN` */
  snapshot(id: string, options?: ScopeOption): Promise<Manifest>
  /**
   * A snapshot to read records from as entities, without restoring anything. The signal ends the opening alone.
   *
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_CONFIG`; `E_SCHEMA_DRIFT` where two of its entities would be one of today
   */
  open(id: string, options?: ScopeOption & SeenAsOption): Promise<SnapshotReader>
  /** Hides a snapshot behind a tombstone, also one that cannot be read any more. Its bytes stay until a prune. @throws `E_SNAPSHOT_UNKNOWN`, `E_SNAPSHOT_HELD` */
  delete(id: string, options: ScopeOption & { readonly reason: string; readonly by?: string | undefined }): Promise<void>
  /**
   * Holds a snapshot: until all its holds are released no retention takes it, `delete` and destroying the keys of its tenant are refused (`E_SNAPSHOT_HELD`), and no prune touches it. Its hold is a record in the repository, for every process; it does not
   * keep who may write to the storage from deleting objects there: that is what object lock is for.
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_CONFIG`
   */
  hold(id: string, options: ScopeOption & { readonly reason: string }): Promise<Hold>
  /** Holds of all buckets, of one tenant or of what belongs to none, oldest first. */
  holds(options?: ScopeOption & { readonly snapshot?: string }): Promise<readonly Hold[]>
  /** Lets go of a hold. The snapshot stays as long as another one holds it. @throws `E_HOLD_UNKNOWN` */
  release(holdId: string, options?: ScopeOption & { readonly by?: string | undefined }): Promise<void>
  /**
   * What took backups away, of one tenant or of what belongs to none, newest first: snapshots deleted by hand or by retention, holds released, prunes; who, when and why. Each was noted before it was done. What
   * changes databases is in `restores.history`, what was erased in the ledger.
   * @param options `limit`: default 100.
   */
  audit(options?: ScopeOption & { readonly limit?: number }): Promise<readonly AuditEntry[]>
  /** Sessions without a snapshot that can still be resumed, newest first. */
  unfinished(options?: ScopeOption): Promise<readonly UnfinishedSession[]>
  /** Reads a snapshot back from storage as far as `level` says. Default `plain`. */
  verify(id: string, options?: ScopeOption & { readonly level?: VerifyLevel }): Promise<VerifyReport>
  /**
   * Deletes the snapshots that no rule of `keep` keeps, series by series: hides them, as `delete` does. Only whole snapshots count, so that a damaged one takes the place of none that can be restored; of
   * each series the newest whole one stays, and what is dated in the future. Every manifest is read. Run it after a backup, and a prune now and then.
   * @throws `E_CONFIG` (a policy that keeps nothing is one), `E_PLAN_UNKNOWN`, `E_SCOPE`, `E_PRUNE_REFUSED` (anything unreadable, more than half of a series would go, a wrong clock; nothing of that tenant was deleted)
   */
  retain(options: RetainOptions): Promise<RetainReport>
  /**
   * Gives back the space of deleted snapshots, of backups that never came to an end, of restore plans that expired, of journals of undo and results of restores that were kept long enough, in all buckets. Run it regularly: one run condemns what nothing refers to, and a later
   * one, at least `graceMs` (24 hours) after, deletes what is still so. Safe beside running backups, restores and other prunes.
   * @throws `E_PRUNE_REFUSED` (anything unreadable, more than half would go, a wrong clock …; nothing was deleted), `E_CONFIG`, `E_STORAGE`
   */
  prune(options?: PruneScopesOptions): Promise<PruneReport>
}
