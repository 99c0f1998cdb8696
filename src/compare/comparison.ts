import type { ErasedCount } from '../erasure/index.ts'
import type { RecordDifference } from './record-difference.ts'
import type { SchemaDifference } from './schema-difference.ts'

/** What comparing one entity found, as far as it has come. */
export interface ComparedEntity {
  readonly store: string
  readonly entity: string
  readonly added: number
  readonly removed: number
  readonly changed: number
  /** Records on each side; null where only one side has the entity, or its live rows were not counted. */
  readonly rows: { readonly before: number | null; readonly after: number | null }
  /** Records on both sides together that were known to be equal without being read, and those that were read. */
  readonly rowsSkipped: number
  readonly rowsRead: number
  /** Chunk objects by name that were read and that did not have to be. A chunk stands in one list only. */
  readonly chunks: { readonly read: readonly string[]; readonly skipped: readonly string[] }
}

export interface ComparisonTotals {
  readonly added: number
  readonly removed: number
  readonly changed: number
  readonly rowsRead: number
  readonly rowsSkipped: number
  readonly chunksRead: number
  readonly chunksSkipped: number
}

export interface ComparisonSummary {
  /** True when every difference was delivered. */
  readonly complete: boolean
  readonly before: string
  /** Snapshot id, or `live`. */
  readonly after: string
  /** ISO time of the state of each side, by the database's clock; null while the live database was not looked at yet. */
  readonly beforeAt: string
  readonly afterAt: string | null
  readonly schema: readonly SchemaDifference[]
  readonly entities: readonly ComparedEntity[]
  /** Records that were left out because they were erased, or belong to one that was. `rows` and the counts of what was read hold them all the same. */
  readonly erased: readonly ErasedCount[]
  readonly totals: ComparisonTotals
}

/**
 * A stream of differences, entity by entity. Nothing is read before it is asked for, and nothing more when the iteration ends early. Can be gone through
 * once.
 */
export interface Comparison extends AsyncIterable<RecordDifference> {
  /** What is known so far; `complete` when the iteration has come to its end. */
  readonly summary: ComparisonSummary
  /** For who wants the counts alone: goes through all differences without keeping them, in place of an iteration. After one that came to its end, the summary. */
  finish(): Promise<ComparisonSummary>
}
