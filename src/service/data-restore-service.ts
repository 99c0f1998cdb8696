import type { AbortableOptions } from '../kernel/abort.ts'
import type { RestoreDiagnostics, RestoreRequest, RestoreResult, RestoreSession } from '../restore/index.ts'

/** Brings records back, and says first what that would do. */
export interface IDataRestoreService {
  /**
   * Validates every chunk, stages, compares and, unless it is a dry run, merges in one transaction. Waits for the result.
   * @throws `E_SNAPSHOT_UNKNOWN`, `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`, `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_MISSING`, `E_SCHEMA_DRIFT`,
   * `E_RESTORE_CONFLICT`, `E_RESTORE_REJECTED`, `E_RESTORE_MOVED`, `E_RESTORE_EMPTY`, `E_PERMISSION`. Nothing is committed then.
   */
  restore(request: RestoreRequest, options?: AbortableOptions): Promise<RestoreResult>
  /** The same as a session: progress while it runs, and a way to cancel. */
  start(request: RestoreRequest, options?: AbortableOptions): Promise<RestoreSession>
  /** A session of this process by its id. */
  session(id: string): RestoreSession | undefined
  sessions(): readonly RestoreSession[]
  /** The result that the repository keeps of a restore, null when it did not complete. */
  result(restoreId: string, options?: AbortableOptions): Promise<RestoreResult | null>
  /** The records that a restore could not bring back, kept in the repository; null when there were none. */
  diagnostics(restoreId: string, options?: AbortableOptions): Promise<RestoreDiagnostics | null>
}
