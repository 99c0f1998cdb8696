import type { RestoredEntity, RestoreResult } from './restore-result.ts'
import type { KeyText } from '../contracts/key-range.ts'
import type { RowReason } from './row-selection.ts'
import type { RestoreRequest } from './restore-request.ts'

/** What a restore would do, row by row, kept in the repository to be applied exactly as it is. */
export interface RestorePlan {
  readonly planId: string
  readonly snapshotId: string
  /** The same for the same request, snapshot and live rows, whenever the plan is made. */
  readonly hash: string
  readonly createdAt: string
  /** From then on it is not applied any more. */
  readonly expiresAt: string
  readonly by: string | null
  /** Rows that it would touch. */
  readonly rows: number
  readonly entities: readonly RestoredEntity[]
  readonly totals: RestoreResult['totals']
  /** Rows that the database would refuse, listed in the diagnostics of that id. With any, or with conflicts, the plan cannot be applied. */
  readonly problems: number
}

export type PlannedAction = 'create' | 'update' | 'delete' | 'conflict'

/** Action, key, the hash of the live row, null where there is none, and why the row is there, null for one that is to be deleted. */
export type PlanRow = readonly [action: PlannedAction, key: string, live: string | null, why: RowReason | null]

/** One row of a plan. */
export interface PlannedRow {
  readonly store: string
  readonly entity: string
  /** `"•••"` stands for the values of sensitive key fields. */
  readonly key: KeyText
  readonly action: PlannedAction
  /** Null for a row that is to be deleted. */
  readonly why: RowReason | null
}

export interface PlannedEntity {
  readonly store: string
  readonly entity: string
  readonly rows: number
  readonly pages: readonly number[]
  /** Which values of its key are sensitive. */
  readonly hidden: readonly boolean[]
  /** Of all its rows. */
  readonly digest: string
}

/** As it stands in the repository. */
export interface StoredPlan extends RestorePlan {
  readonly request: RestoreRequest
  readonly planned: readonly PlannedEntity[]
}

export interface PlanOptions {
  /** How long the plan can be applied. Default 24 hours; one minute to seven days. */
  readonly expiresAfterMs?: number
}

export interface ApplyOptions {
  /** Who applies it, for the history. At most 200 characters. */
  readonly by?: string
  /** Whether it can be undone. Default true. */
  readonly undo?: boolean
}
