import type { CauseClass, RecordProblem } from '../contracts/restore-target.ts'
import type { ErrorCode } from '../kernel/errors.ts'

/** One record that could not be restored, and why. */
export interface RestoreDiagnostic extends RecordProblem {
  readonly store: string
  /** 1 for the first try; a replay counts on. */
  readonly attempt: number
}

/** Every record that a restore could not bring back. Kept in the repository under the restore's id, so that it outlives the process. */
export interface RestoreDiagnostics {
  readonly restoreId: string
  readonly snapshotId: string
  readonly planId: string
  readonly at: string
  /** The error that the restore ended with; null for a dry run. */
  readonly code: ErrorCode | null
  /** All problems there were; `entries` holds at most 1000 of them for each store, and of conflicts 100 for each entity. */
  readonly total: number
  readonly causes: Readonly<Partial<Record<CauseClass, number>>>
  readonly entries: readonly RestoreDiagnostic[]
}

export function diagnose(store: string, problems: readonly RecordProblem[]): RestoreDiagnostic[] {
  return problems.map((problem) => ({ store, attempt: 1, ...problem }))
}

/** Listed problems by cause class, most frequent first. */
export function countCauses(entries: readonly RestoreDiagnostic[]): Partial<Record<CauseClass, number>> {
  const counts = new Map<CauseClass, number>()
  for (const { cause } of entries) counts.set(cause, (counts.get(cause) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
}
