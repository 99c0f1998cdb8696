import type { AbortableOptions } from '../kernel/abort.ts'
import type { ChangeEvidence } from './change-evidence.ts'
import type { ConsistentView, SequenceState } from './consistent-view.ts'
import type { EntitySelection } from './entity-store.ts'
import type { EntityDescriptor } from './entity-descriptor.ts'
import type { KeyText, KnownRange } from './key-range.ts'

/** Up to so many records of an entity are few: they are staged together with those of the others, and no index is made for them, which would be a file to sync. */
export const FEW_RECORDS = 1000

/** What to do with a live row that differs from its record. Identical rows are never written. */
export type ConflictPolicy =
  /** The record wins. */
  | 'overwrite'
  /** The live row wins. */
  | 'skip'
  /** Any difference refuses the whole restore with `E_RESTORE_CONFLICT`. */
  | 'fail'
  /** The greater version column wins, else the later updated-at column; equal or no such column on either side: a conflict, refused. */
  | 'newer-version-wins'

/** Why a record could not be restored. `conflict`: the live row differs, and the policy does not decide. */
export type CauseClass = 'missing-parent' | 'unique-clash' | 'validation' | 'schema' | 'permission' | 'transient' | 'conflict'

export interface RecordProblem {
  readonly entity: string
  readonly key: KeyText | null
  /** 1-based number of the record among those of its entity, where known. */
  readonly line?: number
  readonly cause: CauseClass
  /** What is wrong, without values of sensitive fields. */
  readonly message: string
}

/** The records of one entity, ready to be read any number of times; already validated. */
export interface LineSource {
  readonly rows: number
  /** Whole canonical lines in batches of any size, in key order. */
  open(options?: AbortableOptions): AsyncIterable<Uint8Array>
}

/** One entity to restore. `record` is the descriptor of the archive: its fields, in that order, are what each line holds. */
export interface RestoreItem {
  readonly record: EntityDescriptor
  /** Name of the live entity; the same unless renamed. */
  readonly entity: string
  readonly policy: ConflictPolicy
  readonly lines: LineSource
  /**
   * Ranges of the entity of which records are not among the lines, because a look found live rows that are exactly them: how many rows the range had, with the evidence of that look.
   * Comparing and merging make sure that it still holds those rows, and throw `E_RESTORE_MOVED` where it does not.
   */
  readonly unchanged?: readonly KnownRange[]
  /** False: records without a live row are not created, and count as `absent`. Default true. */
  readonly create?: boolean
  /** Live rows that the records do not have are deleted. Nothing may be `unchanged` then. Default false. */
  readonly deleteExtra?: boolean
  /** Numbers (1-based) of records that are known to fail. What would be written of them is not: it counts as `failed`, and their live rows stay as they are. Default none. */
  readonly leaveOut?: readonly number[]
  /** The records are some of the entity's alone: that live rows have no record says nothing, and `extra` is 0. Default false. */
  readonly partial?: boolean
  /** From this record on (1-based), records are not written: the live rows of their keys are deleted, whatever else they hold. Where there is none, the record counts as identical. */
  readonly deleteFrom?: number
}

/** Live tables as a view sees them, through the target's own connection. */
export interface LiveLook extends Pick<ConsistentView, 'entities' | 'keyOrder' | 'evidence' | 'check'> {
  /**
   * Keys of the rows of a range that were written since that evidence was given (`newer`), as `check` counted them (`changedRows`), or of all others (`older`), in key order, some at a
   * time. May span several known ranges. To be read to its end. Absent where the database cannot tell rows apart by when they were written.
   */
  readonly keysSince?: (
    entity: string,
    range: KnownRange['range'],
    since: ChangeEvidence,
    which: 'newer' | 'older',
    options?: AbortableOptions,
  ) => AsyncIterable<readonly KeyText[]>
}

/** What `details.moved` of an `E_RESTORE_MOVED` names: ranges that were `unchanged` and are so no longer. */
export interface MovedRanges {
  readonly entity: string
  readonly ranges: readonly KnownRange['range'][]
}

export interface StageOptions extends AbortableOptions {
  readonly onProgress?: (rows: number) => void
  /** Lines that may be refused; loading stops at the first one beyond. Default 0. */
  readonly refusable?: number
}

export interface StageReport {
  readonly entity: string
  /** Records that were taken. */
  readonly rows: number
  readonly problems: readonly RecordProblem[]
  /** How many of them an interrupted restore had staged already. */
  readonly takenUp?: number
}

export interface FieldChange {
  readonly field: string
  /** JSON values in record encoding; `"•••"` for sensitive fields. */
  readonly live: unknown
  readonly record: unknown
}

export interface RestoreSample {
  readonly action: 'create' | 'update' | 'delete' | 'keep' | 'conflict'
  readonly key: KeyText
  /** Differences, for rows that exist on both sides. */
  readonly changes: readonly FieldChange[]
}

/** What a merge would do to one entity, or did. */
export interface EntityReconciliation {
  readonly entity: string
  readonly create: number
  readonly update: number
  readonly identical: number
  /** Rows that differ and stay as they are because of the policy. */
  readonly keep: number
  /** Rows that the policy refuses to decide. */
  readonly conflict: number
  /** Records without a live row, which are not to be created. */
  readonly absent: number
  /** Records that would be written, were they not left out. */
  readonly failed: number
  /** Live rows that are to be deleted. */
  readonly delete: number
  /** Live rows that the records do not have; left alone unless `deleteExtra` is set, and then among those to be deleted. 0 where the records are `partial`. */
  readonly extra: number
  readonly samples: readonly RestoreSample[]
}

export interface ReconcileReport {
  readonly entities: readonly EntityReconciliation[]
  /** Missing parents, unique clashes and the like that would refuse the merge; at most `problemLimit` of them. */
  readonly problems: readonly RecordProblem[]
  readonly problemCount: number
}

/** A live row that a merge is going to touch, or that the policy leaves undecided. */
export interface TouchedRow {
  /** Number that stands for the row in a verdict; ascending. */
  readonly line: number
  readonly action: 'create' | 'update' | 'delete' | 'conflict'
  /** Sensitive values included: not for messages. */
  readonly key: KeyText
  /** The live row as a record of the live entity, without its 0x0A; null where there is none. */
  readonly live: string | null
}

/** What becomes of a touched row in place of what was decided. */
export interface RowVerdict {
  readonly line: number
  /** `update` is for rows in `conflict` alone; `keep` leaves a row as it is. */
  readonly action: 'update' | 'keep' | 'conflict'
}

/**
 * Watches over the rows of a merge, inside its transaction: sees each one before it is written, may decide otherwise, and sees it again as it was written. The calls come page by page,
 * entity by entity, and are waited for. What they throw ends the merge, and rolls it back.
 */
export interface RowWatch {
  /** `entity` is the live one: its fields, in that order, are what `live` holds. Rows that are identical or kept are not shown. */
  judge(entity: EntityDescriptor, rows: readonly TouchedRow[]): Promise<readonly RowVerdict[]>
  /** All was written and checked; `live` is the row as it stands now, null for a deleted one. Not called when comparing. */
  written?(entity: EntityDescriptor, rows: readonly TouchedRow[]): Promise<void>
  /** All rows of all entities were shown: by `judge` when comparing or before anything is written, by `written` before COMMIT. */
  judged?(): Promise<void>
  settled?(): Promise<void>
}

export interface ReconcileOptions extends AbortableOptions {
  /** Shown every row that a merge would touch. `E_CAPABILITY` where the target cannot wait for it (a database in memory). */
  readonly watch?: RowWatch
  /** Samples kept for each action and entity. Default 5. */
  readonly samples?: number
  /** Default 1000. */
  readonly problemLimit?: number
}

export interface MergeItem extends RestoreItem {
  /** `staged`: from the staging area. `direct`: the live table is empty, lines are loaded straight into it. */
  readonly mode: 'staged' | 'direct'
}

export interface MergeOptions extends AbortableOptions {
  /** Saved sequence states; each is advanced to the greatest of its live value, this and the greatest key. */
  readonly sequences: readonly SequenceState[]
  /** Called with records written so far, per entity, a few times a second. */
  readonly onProgress?: (entity: string, rows: number) => void
  readonly problemLimit?: number
  /** With it, every item must be `staged`. `E_CAPABILITY` where the target cannot wait for it (a database in memory). */
  readonly watch?: RowWatch
  /**
   * Called once a transaction, under its locks, with what it is going to do and all that speaks against it, before anything is written. What it throws is thrown by `merge` after rolling back.
   * Only for targets that say `comparesInMerge`; without it `reconcile` has been called before.
   */
  readonly compared?: (report: ReconcileReport) => void
  /** Samples kept for each action and entity in that report. Default 5. */
  readonly samples?: number
  /** Called once with the report, when all is written and checked, right before COMMIT. What it throws is thrown by `merge` after rolling back. */
  readonly beforeCommit?: (report: MergeReport) => void
}

/** What a merge did to one entity. Together the numbers account for every record. */
export interface MergedEntity {
  readonly entity: string
  readonly created: number
  readonly updated: number
  /** Rows that were as their records already. */
  readonly identical: number
  /** Rows that differ and stay as they are because of the policy. */
  readonly kept: number
  /** Records without a live row, which were not to be created. */
  readonly absent: number
  /** Records that were left out. */
  readonly failed: number
  readonly deleted: number
}

export interface MergeReport {
  readonly entities: readonly MergedEntity[]
  /** Constraints or triggers that were silenced and put back, for the report. */
  readonly silenced: readonly string[]
}

/**
 * Where records come back to. Nothing outside the staging area changes before `merge`, and `merge` is one transaction: all or
 * nothing, with foreign keys checked again before it commits, and triggers and constraints as they were, whatever happened.
 */
export interface RestoreTarget {
  readonly store: string
  /** The live entities, resolved against the catalog. */
  readonly entities: readonly EntityDescriptor[]
  /** `merge` can tell what it is going to do (`MergeOptions.compared`), so that what is staged need not be compared with all rows twice. */
  readonly comparesInMerge?: true
  isEmpty(entity: string, options?: AbortableOptions): Promise<boolean>
  /**
   * Looks at the live tables in one consistent state, for as long as `work` takes. Ranges that it finds unchanged can be left out of what is staged (`RestoreItem.unchanged`).
   * Absent where that cannot be made sure of again when it counts.
   */
  look?<T>(selection: readonly EntitySelection[], work: (live: LiveLook) => Promise<T>, options?: AbortableOptions): Promise<T>
  /**
   * Whether records of this shape can go into the live tables at all. Asks no database, so that it can be called before any record is read.
   * @throws `E_SCHEMA_DRIFT` with every difference; for `direct` items also where the table requires a column that the records lack.
   */
  assertFits(items: readonly MergeItem[]): void
  /** Loads the records beside the live tables, committed as it goes. Lines that the database refuses are problems, not exceptions. */
  stage(item: RestoreItem, options?: StageOptions): Promise<StageReport>
  /**
   * Loads the records of several entities at once, all without a problem; null, and nothing is loaded, where they are to be staged one entity after the other: with more than `FEW_RECORDS`
   * of one, for example. Where it is there, staging few records takes no right and little more time than asking whether the live tables are empty.
   */
  stageTogether?(items: readonly RestoreItem[], options?: AbortableOptions): Promise<readonly StageReport[] | null>
  /** Compares what is staged with what is live; writes nothing. */
  reconcile(items: readonly RestoreItem[], options?: ReconcileOptions): Promise<ReconcileReport>
  /**
   * One transaction. `items` come in foreign-key order, parents first; members of a cycle stand beside each other.
   * Throws `E_RESTORE_REJECTED` (with `details.problems`), `E_RESTORE_CONFLICT` or `E_RESTORE_MOVED` after rolling back.
   */
  merge(items: readonly MergeItem[], options: MergeOptions): Promise<MergeReport>
  /** Drops the staging area and gives connections back. Safe to call at any time, more than once; never throws for a lost connection. */
  close(): Promise<void>
}
