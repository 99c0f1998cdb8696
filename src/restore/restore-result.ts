import type { HookRecord } from '../contracts/hooks.ts'
import type { ConflictPolicy, RestoreSample } from '../contracts/restore-target.ts'
import type { MaskedColumn } from './mask-shapes.ts'
import type { ErasedCount } from '../erasure/index.ts'
import type { SchemaOutcome } from '../evolution/index.ts'

/** What a restore did to one entity or, for a dry run, would do. */
export interface RestoredEntity {
  readonly store: string
  readonly entity: string
  /** Records of the entity in the snapshot. `create + update + identical + keep + conflict + absent + failed` accounts for every one. */
  readonly records: number
  readonly create: number
  readonly update: number
  readonly identical: number
  /** Live rows that differ and stay because of the policy. */
  readonly keep: number
  /** Rows that the policy refuses to decide. Never above 0 in a completed restore. */
  readonly conflict: number
  /** Records without a live row that stay away, because `create` is false. */
  readonly absent: number
  /** Records that cannot come back and were left out, because the request lets some fail. The diagnostics have each of them. */
  readonly failed: number
  /** Live rows deleted, because `deleteExtra` is true and the snapshot does not have them. */
  readonly delete: number
  /** Live rows that the snapshot does not have. Left alone, unless `deleteExtra` is true. Not counted (0) where only some rows were selected. */
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
  /** The tenant that the snapshot is of; null where there are no tenants. */
  readonly scope: string | null
  /** The tenant whose rows were restored: the same, unless another was asked for. */
  readonly targetScope: string | null
  /** `planned`: a dry run; nothing was written. `completed`: committed. `PartiallyRestored`: committed without the records that failed, which is no success. A restore that failed throws instead. */
  readonly status: 'planned' | 'completed' | 'PartiallyRestored'
  readonly policy: ConflictPolicy
  /** Who asked for it. */
  readonly by: string | null
  /** Id of the named restore that it was, or that the applied plan was of; else null. */
  readonly name: string | null
  /** Id of the plan that was applied, or of the restore that was undone; null for a restore of its own. */
  readonly applies: string | null
  readonly undoes: string | null
  /** Id of the restore whose failed records were tried again; else null. */
  readonly replays: string | null
  /** Whether `undo` can take it back. */
  readonly undoable: boolean
  readonly entities: readonly RestoredEntity[]
  readonly totals: {
    readonly records: number
    readonly create: number
    readonly update: number
    readonly identical: number
    readonly keep: number
    readonly conflict: number
    readonly absent: number
    readonly failed: number
    readonly delete: number
    readonly ranges: number
    readonly skippedRanges: number
  }
  /** In what the snapshot differs from today's entities, and what became of it. Empty when it does not. */
  readonly schema: readonly SchemaOutcome[]
  /** Columns whose values were replaced. Empty unless the request asked for it. */
  readonly masked: readonly MaskedColumn[]
  /** Records of the snapshot that were left out because they were erased, or belong to one that was; counted nowhere else. */
  readonly erased: readonly ErasedCount[]
  /** Rows that the database refuses: would refuse (dry run), or that were left out; 0 in a completed restore. The diagnostics list them. */
  readonly problems: number
  /** Triggers and constraints that were silenced while writing and put back. */
  readonly silenced: readonly string[]
  /** What went wrong after the commit, and so undoes nothing: caches of the ORM that could not be cleared, a result that could not be stored. */
  readonly warnings: readonly string[]
  /** How the application's hooks went. */
  readonly hooks: readonly HookRecord[]
  readonly startedAt: string
  readonly durationMs: number
}
