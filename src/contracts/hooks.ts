/** What every hook is told. */
export interface HookRun {
  readonly planId: string
  /** The tenant whose run it is; null in a plan without tenants. */
  readonly scope: string | null
  /** Aborts when the run is cancelled, or the hook's time is over. Whoever does not listen is waited for no longer. */
  readonly signal: AbortSignal
}

export interface BackupHookRun extends HookRun {
  /** This run goes on with a session that was begun before. */
  readonly resumed: boolean
}

export interface EndedBackup extends BackupHookRun {
  readonly status: 'completed' | 'paused' | 'cancelled' | 'failed'
  /** The committed snapshot; null when there is none. */
  readonly snapshotId: string | null
  /** What ended the run; null when it completed or was paused. */
  readonly error: unknown
}

export interface OpenedViews extends BackupHookRun {
  /** The snapshots of all databases are taken; false when that failed. */
  readonly opened: boolean
}

export interface RestoreHookRun extends HookRun {
  readonly snapshotId: string
  readonly restoreId: string
  /** Id of the plan that is applied; null for another restore. */
  readonly applies: string | null
  /** Id of the restore that is undone; null for another restore. */
  readonly undoes: string | null
  /** Who asked for it. */
  readonly by: string | null
}

export interface EndedRestore extends RestoreHookRun {
  /** `failed` with the error `E_RESTORE_PARTIAL`: some stores are restored. `PartiallyRestored`: but for the records that failed. */
  readonly status: 'completed' | 'PartiallyRestored' | 'cancelled' | 'failed'
  /** What was written, by entity; empty when it did not complete. */
  readonly entities: readonly { readonly store: string; readonly entity: string; readonly create: number; readonly update: number; readonly delete: number }[]
  readonly error: unknown
}

/** A text that it returns is kept with the hook's record, at most 1000 characters of it. */
export type Hook<Run extends HookRun> = (run: Run) => string | void | undefined | Promise<string | void | undefined>

/**
 * What an application does around backups and restores. A before-hook that throws, or takes too long, stops the run with `E_HOOK` before anything is changed. After-hooks are always
 * called once the before-hooks had their turn, also of a run that failed, was paused or cancelled, or that a before-hook stopped; what goes wrong in one is a warning and changes nothing.
 * Hooks of the application come before those of the plan, and after them at the end. Dry runs and plans call none.
 */
export interface Hooks {
  /** Before anything is opened. A resumed backup calls it again. */
  readonly beforeBackup?: Hook<BackupHookRun>
  /** When all work has ended, before the result is given out. */
  readonly afterBackup?: Hook<EndedBackup>
  /** Before the databases' snapshots are taken: to bring the application to rest. Again whenever views that were lost, or grew old, are opened anew. */
  readonly beforeView?: Hook<BackupHookRun>
  /** As soon as the snapshots are taken, or could not be: the application may go on, rows are read from now on. */
  readonly afterView?: Hook<OpenedViews>
  /** Before the target is looked at. Undoing a restore is one, too. */
  readonly beforeRestore?: Hook<RestoreHookRun>
  /** When everything is committed or rolled back, and the caches of the ORM are cleared. */
  readonly afterRestore?: Hook<EndedRestore>
  /** How long each of them may take, in milliseconds. Default 60,000; 1 to 86,400,000. */
  readonly timeoutMs?: number
}

export type HookName = Exclude<keyof Hooks, 'timeoutMs'>

/** How a hook went. Those of a backup stand in the manifest, but for `afterBackup`, which comes when the manifest is written. */
export interface HookRecord {
  readonly hook: HookName
  readonly of: 'application' | 'plan'
  /** By the host's clock, ISO 8601 UTC. */
  readonly at: string
  readonly durationMs: number
  readonly outcome: 'done' | 'failed'
  /** What the hook returned. */
  readonly note?: string
  /** Why it failed. */
  readonly error?: string
}
