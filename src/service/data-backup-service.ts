import type { BackupKind, BackupResult, BackupSession } from '../export/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { SourceLimits } from '../plan/index.ts'

export interface StartBackupOptions extends AbortableOptions {
  /** Free text facts kept in the snapshot: who asked, why, a release number. No secrets: they are stored as they are. */
  readonly metadata?: Readonly<Record<string, string>>
  /** `manual` (default) or `automatic`: kept in the snapshot. */
  readonly trigger?: 'manual' | 'automatic'
  /**
   * Default `auto`: only ranges that changed since the newest snapshot of the series are read and stored, or all of them when the policy's age or count is
   * reached, the schema changed, or there is doubt. Whatever the kind, the snapshot is whole: restoring and deleting need no other.
   */
  readonly kind?: BackupKind
  /** Names the snapshots that build on each other. Default the plan's id. */
  readonly series?: string
  /** The tenant: required by a plan with a scope, and by its snapshots and sessions alone; refused by any other plan. */
  readonly scope?: string | undefined
  /** How hard this run may lean on the databases: members given here go before those of the plan's policy. */
  readonly source?: Partial<SourceLimits>
}

export interface ResumeBackupOptions extends AbortableOptions {
  /** Take the session over although another process seems to run it. Only when you know that it is dead; a live one loses with `E_SESSION_FENCED`. Default false. */
  readonly takeover?: boolean
  /** The tenant that the session was started for; a token of another one is refused. */
  readonly scope?: string | undefined
  /** How hard this process may lean on the databases: members given here go before those of the plan's policy, not those that the session was started with. */
  readonly source?: Partial<SourceLimits>
}

/** Starts, follows, resumes and stops backups. */
export interface IDataBackupService {
  /**
   * Starts a backup of the plan and returns once its views are open.
   * @throws `E_PLAN_UNKNOWN`, `E_SCOPE`, `E_KEY_SHREDDED`, `E_SCHEMA_DRIFT`, `E_CAPABILITY`, `E_CONSISTENCY`, `E_HIDDEN_ROWS`, `E_STORE_FAILED`, `E_STORAGE`
   */
  start(planId: string, options?: StartBackupOptions): Promise<BackupSession>
  /** `start` and wait for the result. */
  run(planId: string, options?: StartBackupOptions): Promise<BackupResult>
  /**
   * Goes on with a paused, failed or killed session, in any process. What was copied earlier is checked again under a new view, so the
   * snapshot is as consistent as an uninterrupted one. The token of a completed session gives its existing result.
   * @throws `E_TOKEN_INVALID`, `E_SCOPE`, `E_ARCHIVE_MISSING` (the bucket holds no repository), `E_PLAN_CHANGED`, `E_SESSION_FENCED`, `E_SESSION_CLOSED`
   */
  resume(token: string, options?: ResumeBackupOptions): Promise<BackupSession>
  /** A session of this process, also after it ended, by its id; undefined when it is not one of this process. */
  session(id: string): BackupSession | undefined
  /** Sessions of this process, newest first; ended ones are kept to a bound of 100. */
  sessions(): readonly BackupSession[]
}
