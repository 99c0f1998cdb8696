import type { ScopeOption } from '../contracts/scope-option.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type {
  ApplyOptions,
  NamedRestore,
  NamedRestoreOptions,
  PlannedRow,
  PlanOptions,
  ReplayRequest,
  RestorableReport,
  RestoreDiagnostics,
  RestorePlan,
  RestoreRequest,
  RestoreResult,
  RestoreSession,
  UndoRequest,
} from '../restore/index.ts'
import type { RestorableQuery } from './restorable-snapshots.ts'

/**
 * Brings records back, and says first what that would do. What is kept of a restore (plan, result, diagnostics, what undoes it) is kept with the tenant whose rows it touches, and found with that `scope` alone.
 */
export interface IDataRestoreService {
  /**
   * Validates every chunk, stages, compares and, unless it is a dry run, merges in one transaction. Waits for the result.
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING`, `E_SCHEMA_DRIFT`,
   * `E_RESTORE_CONFLICT`, `E_RESTORE_REJECTED`, `E_RESTORE_MOVED`, `E_RESTORE_EMPTY`, `E_PERMISSION`. Nothing is committed then.
   */
  restore(request: RestoreRequest, options?: AbortableOptions): Promise<RestoreResult>
  /** The same as a session: progress while it runs, and a way to cancel. */
  start(request: RestoreRequest, options?: AbortableOptions): Promise<RestoreSession>
  /**
   * The request that a declared restore (`createHoldfast({ restores: [defineRestore(…)] })`) stands for, of the newest snapshot or of the newest at a point in time: to be handed to `restore`, `start` or `plan`.
   * @throws `E_RESTORE_UNKNOWN` when none of that id is declared, `E_SCOPE`
   */
  named(id: string, options?: NamedRestoreOptions): RestoreRequest
  /** The declared restores, in the order of their declaration. */
  listNamed(): readonly NamedRestore[]
  /**
   * Holds every kept snapshot, oldest first, against today's entities and tables, and tries the up-casters on every record that they apply to: would a restore be refused because of the schema?
   * Writes nothing. Rows and policies are not looked at: that is what a dry run is for.
   * @throws while iterating: `E_CONFIG`, `E_SNAPSHOT_UNKNOWN`, `E_STORAGE`, `E_STORE_FAILED`, `E_PERMISSION`; what refuses a snapshot is in its report
   */
  checkRestorable(query?: RestorableQuery): AsyncIterable<RestorableReport>
  /**
   * What the restore would do, row by row, kept in the repository (sealed where that is encrypted) until it expires. Writes nothing else. Restores into databases in memory cannot be planned.
   * @throws as `restore` does before it merges, and `E_CAPABILITY`
   */
  plan(request: RestoreRequest, options?: PlanOptions & AbortableOptions): Promise<RestorePlan>
  /** The same as a session, whose id is that of the plan: `findPlan` has it when the session is done. */
  startPlan(request: RestoreRequest, options?: PlanOptions & AbortableOptions): Promise<RestoreSession>
  /** A plan by its id; null when there is none. */
  findPlan(planId: string, options?: ScopeOption): Promise<RestorePlan | null>
  /** Every row that a plan touches, and why it is there. @throws while iterating: `E_RESTORE_UNKNOWN` */
  planRows(planId: string, options?: ScopeOption): AsyncIterable<PlannedRow>
  /**
   * Does exactly what the plan says: under the locks of the merge every row is held against the plan. When a row moved since, nothing is written.
   * @param plan Its id, or the plan as it was given out, whose hash must be that of the stored one.
   * @throws `E_RESTORE_UNKNOWN`, `E_PLAN_EXPIRED`, `E_PLAN_STALE` naming the rows, `E_PLAN_APPLIED` naming the restore that did it before, and as `restore` does
   */
  apply(plan: string | Pick<RestorePlan, 'planId' | 'hash'>, options?: ApplyOptions & ScopeOption): Promise<RestoreResult>
  /** The same as a session. */
  startApply(plan: string | Pick<RestorePlan, 'planId' | 'hash'>, options?: ApplyOptions & ScopeOption): Promise<RestoreSession>
  /**
   * Puts back what a restore changed: updated and deleted rows as they were, created ones away. Only for restores with `undo`. Can be undone itself.
   * @throws `E_RESTORE_UNKNOWN`, `E_UNDO_UNAVAILABLE`, `E_UNDO_CONFLICT` naming the rows that were changed again since
   */
  undo(restoreId: string, request?: UndoRequest, options?: ScopeOption): Promise<RestoreResult>
  /** The same as a session. */
  startUndo(restoreId: string, request?: UndoRequest, options?: ScopeOption): Promise<RestoreSession>
  /**
   * Tries the records again that a restore left out (`continueOnError`), and only those: the ones that no replay has brought in since, by the diagnostics that the repository keeps. A row that stands there by
   * now as its record is done; one that differs is for the policy. Erasures, masks and tenants hold as in any restore. What fails again is in diagnostics of its own, with the number of the attempt. Twice
   * is nothing the second time.
   * @param replayed Id of the restore, or of a replay of it, or its diagnostics.
   * @throws `E_RESTORE_UNKNOWN`, `E_REPLAY_UNAVAILABLE`, `E_RESTORE_REJECTED` when every record fails again, and as `restore` does
   */
  replay(replayed: string | Pick<RestoreDiagnostics, 'restoreId'>, request?: ReplayRequest, options?: ScopeOption): Promise<RestoreResult>
  /** The same as a session. */
  startReplay(replayed: string | Pick<RestoreDiagnostics, 'restoreId'>, request?: ReplayRequest, options?: ScopeOption): Promise<RestoreSession>
  /** What was restored, applied, replayed and undone, newest first: who, when, what. Dry runs, plans and restores that failed are not in it. */
  history(options?: { readonly limit?: number } & ScopeOption): Promise<readonly RestoreResult[]>
  /** A session of this process by its id. */
  session(id: string): RestoreSession | undefined
  sessions(): readonly RestoreSession[]
  /** The result that the repository keeps of a restore, null when it did not complete. */
  result(restoreId: string, options?: ScopeOption): Promise<RestoreResult | null>
  /** The records that a restore could not bring back, kept in the repository; null when there were none. */
  diagnostics(restoreId: string, options?: ScopeOption): Promise<RestoreDiagnostics | null>
}
