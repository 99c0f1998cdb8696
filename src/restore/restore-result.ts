import type { ConflictPolicy, RestoreSample } from '../contracts/restore-target.ts'

/** What a restore did to one entity or, for a dry run, would do. */
export interface RestoredEntity {
  readonly store: string
  readonly entity: string
  /** Records of the entity in the snapshot. `create + update + identical + keep + conflict` accounts for every one. */
  readonly records: number
  readonly create: number
  readonly update: number
  readonly identical: number
  /** Live rows that differ and stay because of the policy. */
  readonly keep: number
  /** Rows that the policy refuses to decide. Never above 0 in a completed restore. */
  readonly conflict: number
  /** Live rows that the snapshot does not have. Left alone. */
  readonly extra: number
  /** Ranges of the snapshot that hold records of the entity. */
  readonly ranges: number
  /** Of them, those that were found to be live as they are, and so neither fetched nor loaded. Their records count as identical. */
  readonly skippedRanges: number
  readonly samples: readonly RestoreSample[]
}

export interface RestoreResult {
  readonly restoreId: string
  readonly snapshotId: string
  readonly planId: string
  /** `planned`: a dry run; nothing was written. `completed`: committed. A restore that failed throws instead. */
  readonly status: 'planned' | 'completed'
  readonly policy: ConflictPolicy
  readonly entities: readonly RestoredEntity[]
  readonly totals: {
    readonly records: number
    readonly create: number
    readonly update: number
    readonly identical: number
    readonly keep: number
    readonly conflict: number
    readonly ranges: number
    readonly skippedRanges: number
  }
  /** Rows that the database would refuse (dry run); 0 in a completed restore. The diagnostics list them. */
  readonly problems: number
  /** Triggers and constraints that were silenced while writing and put back. */
  readonly silenced: readonly string[]
  /** What went wrong after the commit, and so undoes nothing: caches of the ORM that could not be cleared, a result that could not be stored. */
  readonly warnings: readonly string[]
  readonly startedAt: string
  readonly durationMs: number
}
