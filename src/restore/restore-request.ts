import type { RelatedRows, RowPick, SnapshotAt } from './row-pick.ts'
import type { RowResolver } from './row-resolver.ts'
import type { ConflictPolicy } from '../contracts/restore-target.ts'

/** What to bring back, from where, and what wins. */
export interface RestoreRequest {
  /** Id of the snapshot, or which one is meant: the newest at or before a point in time, of a plan, a series, with facts. */
  readonly snapshot: string | SnapshotAt
  /**
   * The tenant that the snapshot is of, where its plan has a scope. Only its rows are read, compared, created, updated and deleted: a record of another tenant, and a key that a row of another has by now,
   * refuse the whole restore (`E_SCOPE_ROWS`). Of entities of all tenants missing rows are created, and none is changed.
   */
  readonly scope?: string | undefined
  /**
   * Another tenant that the rows go to. The tenant's column, and what refers to it, is written anew in its records; live rows are compared, created, updated and deleted among those of that tenant
   * alone, and what is kept of the restore is kept with it. Keys stay as they are: one that a row of any other tenant has refuses everything (`E_SCOPE_ROWS`). Default: the tenant of the snapshot.
   */
  readonly targetScope?: string | undefined
  /** Entities to restore: their names of today, `store.Name` where two stores have one name. Default: all. An empty list is refused. */
  readonly entities?: readonly string[]
  /** Rows to restore, in place of `entities`: by key, by condition, and of them only some fields. Default: all. See `pick`. */
  readonly select?: readonly RowPick[]
  /** Brings along what belongs to the selected rows: parents, and children where they are asked for. Default: nothing; a row whose parent is missing is refused then. */
  readonly related?: RelatedRows
  /** Whether records without a live row are created. Default true. */
  readonly create?: boolean
  /** Whether live rows that differ from their record may be updated, as the policy says. With false they stay as they are, and no policy can be given. Default true. */
  readonly update?: boolean
  /** Whether live rows of the chosen entities that the snapshot does not have are deleted. Refused while rows that stay refer to them. Default false. */
  readonly deleteExtra?: boolean
  /** What happens to live rows that differ from their record. Default `fail`. Identical ones are never written. */
  readonly policy?: ConflictPolicy
  /** Decide, entity by entity, of rows that differ in place of the policy: see `resolver`. Cannot be planned: a plan keeps no functions. */
  readonly resolvers?: readonly RowResolver[]
  /** Stage and compare, report what would happen, and write nothing. Default false. */
  readonly dryRun?: boolean
  /** Replace sensitive values on their way, as `createHoldfast({ masking })` and `@Sensitive({ mask })` say. Refused into the database that the snapshot is of. Default false. */
  readonly mask?: boolean
  /** Store of the snapshot → store to restore into. Default: the same names. */
  readonly into?: Readonly<Record<string, string>>
  /**
   * Whether the restore can be undone: every row that it touches is kept in the repository as it was, and what became of it, before the transaction commits. Costs reading these rows
   * twice; records are staged even where the tables are empty. Default false; applied plans and undone restores always can.
   */
  readonly undo?: boolean
  /** Id of the named restore that this is, as `restores.named` gives it, for result and history. Refused where what is asked for is another than what is declared. */
  readonly name?: string
  /** Who asks for it, for the history. At most 200 characters. */
  readonly by?: string
  /**
   * Records that may fail: they are left out, all others are restored, and the result is `PartiallyRestored`. Diagnostics keep each of them for `replay`. One more, and nothing is written. Conflicts are
   * no failures: the policy decides. Records are staged even where the tables are empty, and ranges that are live as they are are loaded too. Not beside `deleteExtra`. Default 0; at most 10,000.
   */
  readonly continueOnError?: number
  /** Samples kept per entity and action in the result. Default 5, at most 100. */
  readonly samples?: number
}

/** The problems a restore lists at most; all of them are counted. */
export const PROBLEM_LIMIT = 1000
