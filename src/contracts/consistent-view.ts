import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChangeEvidence } from './change-evidence.ts'
import type { EntityDescriptor } from './entity-descriptor.ts'
import type { KeyRange, KeyText, KnownRange, RangeState } from './key-range.ts'
import type { RangeDigester } from './range-digester.ts'
import type { RecordBatch } from './record-batch.ts'

/** `snapshot`: one transactional state for all entities of the store. `entity`: one per entity. `fuzzy`: each row was committed at some instant in the window. */
export type ConsistencyLevel = 'snapshot' | 'entity' | 'fuzzy'

/** Who the database is, so that evidence and archives are never mixed up between two of them. */
export interface SourceIdentity {
  readonly dialect: string
  readonly serverVersion: string
  readonly database: string
  /** PostgreSQL: system identifier; MySQL and MariaDB: the server's id, host, port and replication id; SQLite: absent. */
  readonly systemId?: string
}

/** The state of a sequence or identity, saved beside the rows because sequences are in no snapshot. */
export interface SequenceState {
  readonly entity: string
  /** Property path of the field it feeds. */
  readonly field: string
  /** The greatest value handed out so far, as text; null when never used. */
  readonly lastValue: string | null
}

export interface EntityEstimate {
  readonly entity: string
  /** Exact where it is cheap, else the planner's. */
  readonly rows: number
  readonly bytes: number
}

export interface CheckOptions extends AbortableOptions {
  /** Go by no cursor (`EntitySelection.cursor`), but by what proves. Default false. */
  readonly exact?: boolean
}

/** One transactionally consistent sight of an entity store. Every method sees the same state. Close it in `finally`. */
export interface ConsistentView {
  readonly store: string
  /** ISO 8601 UTC with microseconds where the database has them, by the database's clock. */
  readonly at: string
  readonly consistency: {
    readonly level: ConsistencyLevel
    /** `repeatable-read`, `consistent-snapshot`, `wal-read`, `copy`. */ readonly method: string
    /** Log position or snapshot id, for the reader of a manifest. */ readonly point?: string
  }
  readonly source: SourceIdentity
  /** The selected entities, resolved against the catalog inside the view, in the order they were asked for. */
  readonly entities: readonly EntityDescriptor[]
  /** How many reads may run at once. 1 when the database cannot share a snapshot between connections. */
  readonly parallel: number
  /** Migrations that the ORM's migration table says were applied, oldest first; empty when there is none. */
  readonly migrations: readonly string[]
  estimate(entity: string, options?: AbortableOptions): Promise<EntityEstimate>
  sequences(options?: AbortableOptions): Promise<readonly SequenceState[]>
  /** What to remember so that `check` of a later view can prove ranges read in this one unchanged. */
  evidence(entity: string, options?: CheckOptions): Promise<ChangeEvidence>
  /**
   * Names the order in which the entity's keys stand: another text when they may stand in another one, as after a change of collation. Ranges that were cut
   * under another order may overlap here, and leave gaps.
   */
  keyOrder(entity: string): string
  /** Cuts all keys into at most `parts` ranges of roughly equal size without scanning the table, for parallel reading. May return fewer; at least one. */
  split(entity: string, options: AbortableOptions & { readonly parts: number }): Promise<readonly KeyRange[]>
  /** For each known range: does the database still hold exactly those rows? States may come in any order; one for every range asked. */
  check(entity: string, known: readonly KnownRange[], options?: CheckOptions): AsyncIterable<RangeState>
  /**
   * Record lines of the range in key order. `references` names the reference fields (property paths) whose spans `marks` must hold.
   * Ending the iteration early frees the connection. Backpressure: nothing is read ahead beyond a few batches. With `digests` the batches bring what `digester` needs.
   */
  read(
    entity: string,
    range: KeyRange,
    options?: AbortableOptions & { readonly references?: readonly string[]; readonly digests?: boolean },
  ): AsyncIterable<RecordBatch>
  /**
   * The rows of the range that were written since that evidence was given, as `check` counted them (`changedRows`), in key order. May span several known ranges.
   * Absent where the database cannot tell rows apart by when they were written.
   */
  readChanged?(
    entity: string,
    range: KeyRange,
    since: ChangeEvidence,
    options?: AbortableOptions & { readonly references?: readonly string[] },
  ): AsyncIterable<RecordBatch>
  /** All keys of the range in key order, some at a time. There whenever `readChanged` is. */
  readKeys?(entity: string, range: KeyRange, options?: AbortableOptions): AsyncIterable<readonly KeyText[]>
  /**
   * The database's own digest of each range, in the order asked, for `KnownRange.digest`: with it a later view can answer without reading the rows out. Empty
   * text where the database has none for a range. Absent in stores that have no such digest, or need none.
   */
  digests?(entity: string, ranges: readonly KeyRange[], options?: AbortableOptions): Promise<readonly string[]>
  /** A digester for one range that is read whole, with `digests`, from this view. Null, or absent, where only `digests` can tell. */
  digester?(entity: string): RangeDigester | null
  close(): Promise<void>
}
