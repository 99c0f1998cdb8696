import type { ConflictPolicy } from '../contracts/restore-target.ts'

/** What to bring back, from where, and what wins. */
export interface RestoreRequest {
  /** Id of the snapshot. */
  readonly snapshot: string
  /** Entities to restore: names as the snapshot has them, `store.Name` where two stores have one name. Default: all. An empty list is refused. */
  readonly entities?: readonly string[]
  /** What happens to live rows that differ from their record. Default `fail`. Rows that are missing are always created, identical ones never written. */
  readonly policy?: ConflictPolicy
  /** Stage and compare, report what would happen, and write nothing. Default false. */
  readonly dryRun?: boolean
  /** Store of the snapshot → store to restore into. Default: the same names. */
  readonly into?: Readonly<Record<string, string>>
  /** Samples kept per entity and action in the result. Default 5, at most 100. */
  readonly samples?: number
}

/** The problems a restore lists at most; all of them are counted. */
export const PROBLEM_LIMIT = 1000
