import type { ManifestEntity, RangeEntry } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { keyComparator } from './key-comparator.ts'

/**
 * In which ranges may a key be, the likeliest first? Where the order of the keys is known, in one. Else it is guessed, by comparing text, and all others come after: a guess that is
 * right saves reading them, one that is wrong costs an index.
 */
export function createRangeFinder(
  { descriptor, ranges }: Pick<ManifestEntity, 'descriptor' | 'ranges'>,
  dialect: string,
): (key: KeyText) => readonly RangeEntry[] {
  const filled = ranges.filter(({ rows }) => rows > 0)
  const known = keyComparator(descriptor, dialect)
  if (known) {
    return (key) => {
      const range = filled[lastFrom(filled, key, known)]
      return range ? [range] : []
    }
  }
  return (key) => {
    const at = lastFrom(filled, key, byParts)
    const likely = filled[Math.max(0, at)]
    return likely ? [likely, ...filled.filter((range) => range !== likely)] : []
  }
}

/** Of the ranges that begin at or before the key, the last. */
function lastFrom(ranges: readonly RangeEntry[], key: KeyText, compare: (a: KeyText, b: KeyText) => number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const { from } = ranges[middle]!
    if (from === null || compare(from, key) <= 0) low = middle + 1
    else high = middle
  }
  return low - 1
}

function byParts(a: KeyText, b: KeyText): number {
  const [left, right] = [JSON.parse(a) as unknown[], JSON.parse(b) as unknown[]]
  for (const [at, value] of left.entries()) {
    const other = right[at]
    if (value === other) continue
    if (typeof value === 'number' && typeof other === 'number') return value - other
    return String(value) < String(other) ? -1 : 1
  }
  return 0
}
