import type { KeyRange } from '../../../src/contracts/key-range.ts'

export interface CountedRange {
  readonly index: number
  readonly range: KeyRange
  /** 32-bit transaction id; rows written by it or later are newer. Null when row versions are not asked about. */
  readonly horizon: string | null
}

export interface RangeCount {
  readonly rows: number
  /** Whether any row was written at or after the horizon. */
  readonly newer: boolean
}

/**
 * The least age of the rows, as an aggregate over `t`: how many transactions back the youngest was written. `age()` is the distance back from the
 * newest id, modulo 2^32; unsigned here. That is the comparison of epoch-extended ids, with the row's extended to the greatest value it can have: so
 * after 2^32 transactions a row may look younger than it is, and never older. Ids 0-2 (bootstrap, frozen by old versions) have the age 2^31 - 1.
 */
export const YOUNGEST = 'min(age(t.xmin)::bigint & 4294967295)'

/** Is the youngest row as young as the horizon, or younger? `horizon` is its `age()` in the same transaction; null when it was not asked about. */
export function isNewer(youngest: string | null | undefined, horizon: string | null | undefined): boolean {
  if (horizon === null || horizon === undefined || youngest === null || youngest === undefined) return false
  return Number(horizon) < 0 || Number(youngest) <= Number(horizon)
}
