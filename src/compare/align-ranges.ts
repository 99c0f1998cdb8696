import type { KeyText } from '../contracts/key-range.ts'
import type { RangeEntry } from '../archive/index.ts'
import { rangeContent } from './range-content.ts'

/** What two sides hold between two bounds that they have in common; nothing of it is known to be equal. */
export interface RangeSpan {
  readonly before: readonly RangeEntry[]
  readonly after: readonly RangeEntry[]
}

export interface AlignedRanges {
  /** In key order when the sides are `ordered` alike. A span is never empty on both sides. */
  readonly spans: readonly RangeSpan[]
  /** Ranges of each side whose records the other side holds in a range of its own: nothing of them has to be read. */
  readonly equal: RangeSpan
}

/**
 * Leaves out what both sides hold alike, and cuts the rest at the bounds that both have. `ordered` says that the keys of both stand in the same order; without it
 * equal bounds mean nothing, and all is one span. Keys are not compared: bounds are equal or they are not. `alike`: what is stored alike is seen alike, on both sides. Default: true.
 */
export function alignRanges(before: readonly RangeEntry[], after: readonly RangeEntry[], ordered: boolean, alike = true): AlignedRanges {
  const contents = (ranges: readonly RangeEntry[]) => new Set(ranges.filter(({ rows }) => rows > 0).map(rangeContent))
  const [beforeHas, afterHas] = [contents(before), contents(after)]
  const inBoth = (range: RangeEntry) => alike && beforeHas.has(rangeContent(range)) && afterHas.has(rangeContent(range))
  const left = (range: RangeEntry) => range.rows > 0 && !inBoth(range)

  const spans = (ordered ? cutAtCommonBounds(before, after) : [{ before, after }])
    .map((span) => ({ before: span.before.filter(left), after: span.after.filter(left) }))
    .filter((span) => span.before.length + span.after.length > 0)
  return { spans, equal: { before: before.filter(inBoth), after: after.filter(inBoth) } }
}

function cutAtCommonBounds(before: readonly RangeEntry[], after: readonly RangeEntry[]): RangeSpan[] {
  const bounds = new Set<KeyText | null>(before.map(({ to }) => to))
  const common = new Set(after.map(({ to }) => to).filter((to) => bounds.has(to)))
  const cut = (ranges: readonly RangeEntry[]) => {
    const parts: RangeEntry[][] = [[]]
    for (const range of ranges) {
      parts.at(-1)!.push(range)
      if (range.to !== null && common.has(range.to)) parts.push([])
    }
    return parts
  }
  const others = cut(after)
  return cut(before).map((part, at) => ({ before: part, after: others[at] ?? [] }))
}
