import type { SequenceState } from '../../../../src/contracts/consistent-view.ts'
import { quoteIdent } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import type { TargetTransaction } from './target-session.ts'

/**
 * `setval` is in no transaction: it stays when the rest is rolled back. So it comes last, and only ever moves a sequence forward (a descending one
 * downward), which costs numbers at worst. Numeric, so that a column beyond the sequence's own type is no overflow; such values are passed over.
 */
const ADVANCE = (furthest: 'max' | 'min', table: string, column: string) => `
  SELECT setval(q.seqrelid::regclass, f.value::bigint)
  FROM pg_sequence q CROSS JOIN LATERAL (
    SELECT ${furthest}(n.value) AS value
    FROM (VALUES (pg_sequence_last_value(q.seqrelid)::numeric), ($2::numeric), ((SELECT ${furthest}(${column}) FROM ${table})::numeric)) n(value)
    WHERE n.value BETWEEN q.seqmin AND q.seqmax) f
  WHERE q.seqrelid = $1::oid AND f.value IS DISTINCT FROM pg_sequence_last_value(q.seqrelid)::numeric AND f.value IS NOT NULL`

/** Moves every sequence that feeds a restored column to the furthest of its live value, the saved one and the column's. */
export async function advanceSequences(tx: TargetTransaction, items: readonly FittedItem[], saved: readonly SequenceState[]): Promise<void> {
  for (const { item, live, fields } of items) {
    for (const { column, oid } of live.sequences) {
      const path = fields.find((field) => field.column === column)?.path
      const state = saved.find(({ entity, field }) => entity === item.record.name && field === path)
      const [row] = await tx.rows('reading a sequence', `SELECT (seqincrement > 0)::text AS up FROM pg_sequence WHERE seqrelid = $1::oid`, [oid])
      await tx.rows('advancing a sequence', ADVANCE(row?.up === 'false' ? 'min' : 'max', live.table, quoteIdent(column)), [oid, state?.lastValue ?? null])
    }
  }
}
