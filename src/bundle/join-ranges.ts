import { type RangeEntry, sha256 } from '../archive/index.ts'

const EMPTY: RangeEntry = { from: null, to: null, rows: 0, sha256: sha256(''), firstKey: null, lastKey: null, layers: [], evidence: 0 }

/**
 * The same records in ranges that begin at the first key of each, so that no bound is the key of a record that is not there: bounds are keys of records that were there once, and may have
 * been erased since. Empty ranges go to their neighbours.
 */
export function joinRanges(ranges: readonly RangeEntry[]): readonly RangeEntry[] {
  const filled = ranges.filter(({ rows }) => rows > 0)
  if (filled.length === 0) return [EMPTY]
  return filled.map((range, i) => ({ ...range, from: i === 0 ? null : range.firstKey, to: filled[i + 1]?.firstKey ?? null }))
}
