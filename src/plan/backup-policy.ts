import type { ConsistencyLevel } from '../contracts/consistent-view.ts'
import type { RetentionPolicy } from '../retention/index.ts'
import { NO_SOURCE_LIMITS, type SourceLimits } from './source-limits.ts'

export type Compression = 'zstd' | 'gzip' | 'none'

/** How a plan is carried out. Everything has a default; an unknown member is refused. */
export interface BackupPolicy {
  /** Default `zstd`. */
  readonly compression: Compression
  /** Compression level: zstd 1–19 (default 3), gzip 1–9 (default 6); 0 with `none`. */
  readonly level: number
  /** Plain bytes of one chunk, the unit that is stored, deduplicated and read again. Default 8 MiB; 64 KiB to 64 MiB. */
  readonly chunkBytes: number
  /** Ranges read at once, each on a connection of its own where the database can share a snapshot. Default 2; 1 to 16. */
  readonly concurrency: number
  /** Fail with `E_CONSISTENCY` rather than publish a snapshot below this level. Default: publish and say what was reached. */
  readonly requireConsistency: ConsistencyLevel | null
  /** An automatic backup is a full when the latest full of its series is older. Fulls read back every chunk they find in place, and so heal damage. Default 30; 1 to 3650. */
  readonly fullAfterDays: number
  /** An automatic backup is a full when so many snapshots were taken since the latest. Default 1000; 1 to 100 000. */
  readonly fullAfterSnapshots: number
  /** A plan with cursors (`EntityOptions.cursor`) compares exactly in every run of so many since the latest full. Required by cursors, and by nothing else. Default null; 2 to 1000. */
  readonly reconcileEvery: number | null
  /**
   * How long one view may be held, in milliseconds. The database keeps old row versions for a view (SQLite: the log of writes) and holds schema changes up. Default 21,600,000
   * (6 hours); 1000 to 604,800,000. What happens then: `whenViewAges`.
   */
  readonly maxViewAgeMs: number
  /**
   * `warn` (default): the backup goes on under its view, and session and manifest have a warning. `reopen`: it also stops at the next batches, opens new views and checks what it
   * copied under them, as after a lost connection, as long as each view brings it further than the one before; the snapshot is the state of the last views.
   */
  readonly whenViewAges: 'warn' | 'reopen'
  /** How hard a backup may lean on the databases that it reads. Default: not held back. */
  readonly source: SourceLimits
  /**
   * What stays of the plan's snapshots after each backup that was committed: the others are hidden, as by `discovery.retain`; their space comes back by a prune. What is refused (more than half of a series, anything that
   * cannot be read) is a warning of the backup. Default null: all stay.
   */
  readonly retention: RetentionPolicy | null
}

/** A policy as it is declared: every member has a default. */
export type PolicyDeclaration = Partial<Omit<BackupPolicy, 'source'>> & { readonly source?: Partial<SourceLimits> }

export const DEFAULT_POLICY: BackupPolicy = {
  compression: 'zstd',
  level: 3,
  chunkBytes: 8 * 1024 * 1024,
  concurrency: 2,
  requireConsistency: null,
  fullAfterDays: 30,
  fullAfterSnapshots: 1000,
  reconcileEvery: null,
  maxViewAgeMs: 21_600_000,
  whenViewAges: 'warn',
  source: NO_SOURCE_LIMITS,
  retention: null,
}
