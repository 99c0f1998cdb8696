import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import type { KeyColumn } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { atLeast, below, keyLiterals } from './key-sql.ts'
import { queryText } from './query.ts'

/** The distinct bounds of ranges in the order of the key; interval `i` lies before bound `i`, the last one behind all. */
export class KeyIntervals {
  readonly #key: readonly KeyColumn[]
  readonly #bounds: readonly KeyText[]
  readonly #place: ReadonlyMap<KeyText, number>

  private constructor(key: readonly KeyColumn[], bounds: readonly KeyText[]) {
    this.#key = key
    this.#bounds = bounds
    this.#place = new Map(bounds.map((bound, index) => [bound, index]))
  }

  /** The database puts the bounds in order. Literals do not know the collation of their column, so it is named. */
  static async of(client: PostgresClient, doing: string, key: readonly KeyColumn[], ranges: readonly KeyRange[]): Promise<KeyIntervals> {
    const bounds = [...new Set(ranges.flatMap(({ from, to }) => [from, to]).filter((bound) => bound !== null))]
    if (bounds.length < 2) return new KeyIntervals(key, bounds)
    const values = bounds.map((bound, index) => `(${[index, ...keyLiterals(key, bound)].join(', ')})`)
    const order = key.map(({ collation }, column) => `k${column}${collation === null ? '' : ` COLLATE ${collation}`}`)
    const sql = `SELECT i FROM (VALUES ${values.join(', ')}) AS v(i, ${key.map((_, column) => `k${column}`).join(', ')}) ORDER BY ${order.join(', ')}`
    const rows = await queryText(client, doing, sql)
    return new KeyIntervals(
      key,
      rows.map((row) => bounds[Number(row.i)]!),
    )
  }

  get count(): number {
    return this.#bounds.length + 1
  }

  first({ from }: KeyRange): number {
    return from === null ? 0 : this.#place.get(from)! + 1
  }

  last({ to }: KeyRange): number {
    return to === null ? this.#bounds.length : this.#place.get(to)!
  }

  /** No key lies in two of the ranges, nor between them. */
  adjoin(ranges: readonly KeyRange[]): boolean {
    const spans = ranges.map((range) => [this.first(range), this.last(range)] as const).toSorted(([a], [b]) => a - b)
    return spans.every(([first, last], at) => first <= last && (at === 0 || first === spans[at - 1]![1] + 1))
  }

  /** An SQL expression for the interval of a row of `t`: a tree of comparisons. */
  sql(): string {
    const literals = this.#bounds.map((bound) => keyLiterals(this.#key, bound))
    const intervalOf = (first: number, last: number): string => {
      if (first === last) return String(first)
      const middle = (first + last) >> 1
      return `CASE WHEN ${below(this.#key, literals[middle]!)} THEN ${intervalOf(first, middle)} ELSE ${intervalOf(middle + 1, last)} END`
    }
    return intervalOf(0, this.#bounds.length)
  }

  /** Conditions for rows that may lie in any of the ranges. */
  conditions(ranges: readonly KeyRange[]): readonly string[] {
    const bounded = (side: keyof KeyRange) => ranges.every((range) => range[side] !== null)
    const literals = (place: number) => keyLiterals(this.#key, this.#bounds.at(place)!)
    return [...(bounded('from') ? [atLeast(this.#key, literals(0))] : []), ...(bounded('to') ? [below(this.#key, literals(-1))] : [])]
  }
}
