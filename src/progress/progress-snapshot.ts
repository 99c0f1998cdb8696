/** Backup: opening → copying → verifying → committing → done. Restore: opening → validating → staging → comparing → merging → done. */
export type ProgressPhase = 'opening' | 'copying' | 'verifying' | 'committing' | 'validating' | 'staging' | 'comparing' | 'merging' | ProgressEnd

/** Phases that nothing follows. A paused session goes on in another session object. */
export type ProgressEnd = 'done' | 'partial' | 'paused' | 'cancelled' | 'failed'

export type EntityProgressState = 'waiting' | 'checking' | 'working' | 'done'

export interface EntityProgress {
  readonly store: string
  readonly entity: string
  readonly state: EntityProgressState
  /** Records handled so far, reused ones included. */
  readonly rows: number
  /** What the database expected at the start; the true number once `done`. */
  readonly estimatedRows: number
  /** Of `rows`, those found unchanged and not read again. */
  readonly reusedRows: number
  /** Plain bytes of the records handled, reused ones included. */
  readonly bytes: number
}

/** Where a run stands. Plain JSON: it goes over HTTP and into logs as it is. Holds no record values. */
export interface ProgressSnapshot {
  readonly operation: 'backup' | 'restore'
  readonly id: string
  readonly phase: ProgressPhase
  /** 0 to 100 with one decimal. Never goes back; 100 only when `phase` is `done`. */
  readonly percent: number
  readonly records: number
  readonly estimatedRecords: number
  readonly plainBytes: number
  /** Bytes put to (backup) or taken from (restore) the storage in this run. */
  readonly storedBytes: number
  /** Moving averages over some seconds of what this run read or wrote itself; reused records do not count. */
  readonly recordsPerSecond: number
  readonly plainBytesPerSecond: number
  readonly storedBytesPerSecond: number
  readonly elapsedMs: number
  /** Null as long as there is nothing to judge by, and at the end. */
  readonly remainingMs: number | null
  /** What reading waits for, while it does: `source probe`, `replication lag`. Null when it goes on. A limited rate is no wait. */
  readonly waiting: string | null
  /** What came up so far that somebody should know. The result has them as well. */
  readonly warnings: readonly string[]
  /** When this was taken, ISO 8601 UTC. */
  readonly at: string
  readonly entities: readonly EntityProgress[]
}
