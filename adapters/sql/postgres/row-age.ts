import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { PostgresClient } from './connections.ts'
import { queryText } from './query.ts'

export interface CountedRange {
  readonly index: number
  readonly range: KeyRange
  /** How many it held. */
  readonly rows: number
  /** 32-bit transaction id; rows written by it or later are newer. Null when row versions are not asked about. */
  readonly horizon: string | null
}

export interface RangeCount {
  readonly rows: number
  /** Rows written at or after the horizon. Null when they were not counted, which `newer` then still tells. */
  readonly newerRows: number | null
  /** Whether any row was written at or after the horizon. */
  readonly newer: boolean
}

/**
 * The age of a row: how many transactions back it was written; of several rows that make one, the youngest's. `age()` is the distance back from the newest id, modulo 2^32; unsigned here. That is
 * the comparison of epoch-extended ids, with the row's extended to the greatest value it can have: so after 2^32 transactions a row may look younger than it
 * is, and never older. Ids 0-2 (bootstrap, frozen by old versions) have the age 2^31 - 1.
 */
export function rowAge(aliases: readonly string[] = ['t']): string {
  const ages = aliases.map((alias) => `(age(${alias}.xmin)::bigint & 4294967295)`)
  return ages.length === 1 ? ages[0]! : `LEAST(${ages.join(', ')})`
}

/** The condition for rows of `t` as young as a horizon or younger. `horizonAge` is the horizon's `age()` in the same transaction, as SQL; below 0 it is beyond telling. */
export function isYounger(horizonAge: string, aliases?: readonly string[]): string {
  return `(${horizonAge} < 0 OR ${rowAge(aliases)} <= ${horizonAge})`
}

/** The same for the least age of a group of rows. `horizonAge` is null when it was not asked about. */
export function isNewer(youngest: string | null | undefined, horizonAge: string | null | undefined): boolean {
  if (horizonAge === null || horizonAge === undefined || youngest === null || youngest === undefined) return false
  return Number(horizonAge) < 0 || Number(youngest) <= Number(horizonAge)
}

/** `age()` of each horizon. The transaction keeps the id that ages count from, so they compare with those of a later query. */
export async function readHorizonAges(client: PostgresClient, doing: string, ranges: readonly CountedRange[]): Promise<ReadonlyMap<string, string>> {
  const horizons = [...new Set(ranges.map(({ horizon }) => horizon))].filter((horizon) => horizon !== null)
  if (horizons.length === 0) return new Map()
  const rows = await queryText(client, doing, `SELECT x, age(x::xid) AS age FROM (VALUES ${horizons.map((horizon) => `('${horizon}')`).join(', ')}) AS v(x)`)
  return new Map(rows.map((row) => [row.x!, row.age!]))
}
