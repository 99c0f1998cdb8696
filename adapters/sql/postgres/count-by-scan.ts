import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import type { KeyColumn, PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { fromRows } from './from-rows.ts'
import { atLeast, below, keyLiterals } from './key-sql.ts'
import { queryText } from './query.ts'
import { type CountedRange, isNewer, isYounger, type RangeCount, ROW_AGE } from './row-age.ts'

/**
 * Counts all ranges in one pass over the table, in whatever order it lies: for ranges that make up much of it. The bounds are put in order by the
 * database; between them lie intervals, and a tree of comparisons finds the interval of each row.
 */
export async function countByScan(client: PostgresClient, entity: PostgresEntity, ranges: readonly CountedRange[]): Promise<ReadonlyMap<number, RangeCount>> {
  const doing = `checking ${entity.descriptor.name}`
  const bounds = await sortBounds(client, doing, entity.key, ranges)
  const horizons = await readHorizons(client, doing, ranges)
  // Ranges that one snapshot confirmed share their horizon: then newer rows can be counted.
  const only = horizons.size === 1 && ranges.every(({ horizon }) => horizon !== null) ? [...horizons.values()][0]! : null
  const found = await queryText(client, doing, scanSql(entity, bounds, ranges, only))
  const intervals = new Map(found.map((row) => [Number(row.interval), row]))
  const place = new Map(bounds.map((bound, index) => [bound, index]))
  const counts = new Map<number, RangeCount>()
  for (const { index, range, horizon } of ranges) {
    let rows = 0
    let newerRows = 0
    let newer = false
    const first = range.from === null ? 0 : place.get(range.from)! + 1
    const last = range.to === null ? bounds.length : place.get(range.to)!
    for (let interval = first; interval <= last; interval++) {
      const found = intervals.get(interval)
      rows += Number(found?.n ?? 0)
      if (only === null) newer ||= isNewer(found?.youngest, horizon === null ? null : horizons.get(horizon))
      else newerRows += Number(found?.newer ?? 0)
    }
    counts.set(index, only === null ? { rows, newerRows: null, newer } : { rows, newerRows, newer: newerRows > 0 })
  }
  return counts
}

/** The distinct bounds in the order of the key. Literals do not know the collation of their column, so it is named. */
async function sortBounds(client: PostgresClient, doing: string, key: readonly KeyColumn[], ranges: readonly CountedRange[]): Promise<readonly KeyText[]> {
  const bounds = [...new Set(ranges.flatMap(({ range }) => [range.from, range.to]).filter((bound) => bound !== null))]
  if (bounds.length < 2) return bounds
  const values = bounds.map((bound, index) => `(${[index, ...keyLiterals(key, bound)].join(', ')})`)
  const order = key.map(({ collation }, column) => `k${column}${collation === null ? '' : ` COLLATE ${collation}`}`)
  const sql = `SELECT i FROM (VALUES ${values.join(', ')}) AS v(i, ${key.map((_, column) => `k${column}`).join(', ')}) ORDER BY ${order.join(', ')}`
  return (await queryText(client, doing, sql)).map((row) => bounds[Number(row.i)]!)
}

function scanSql(entity: PostgresEntity, bounds: readonly KeyText[], ranges: readonly CountedRange[], horizonAge: string | null): string {
  const { key } = entity
  const unbounded = (side: keyof KeyRange) => ranges.some(({ range }) => range[side] === null)
  const literals = bounds.map((bound) => keyLiterals(key, bound))
  /** Interval `i` lies before bound `i`, the last one behind all. */
  const intervalOf = (first: number, last: number): string => {
    if (first === last) return String(first)
    const middle = (first + last) >> 1
    return `CASE WHEN ${below(key, literals[middle]!)} THEN ${intervalOf(first, middle)} ELSE ${intervalOf(middle + 1, last)} END`
  }
  const conditions = [...(unbounded('from') ? [] : [atLeast(key, literals[0]!)]), ...(unbounded('to') ? [] : [below(key, literals.at(-1)!)])]
  const newer = horizonAge === null ? `min${ROW_AGE} AS youngest` : `count(*) FILTER (WHERE ${isYounger(horizonAge)}) AS newer`
  return `SELECT ${intervalOf(0, bounds.length)} AS interval, count(*) AS n, ${newer}
    ${[fromRows(entity), ...conditions].join(' AND ')} GROUP BY 1`
}

/** `age()` of each horizon. The transaction keeps the id that ages count from, so they compare with those of the scan. */
async function readHorizons(client: PostgresClient, doing: string, ranges: readonly CountedRange[]): Promise<ReadonlyMap<string, string>> {
  const horizons = [...new Set(ranges.map(({ horizon }) => horizon))].filter((horizon) => horizon !== null)
  if (horizons.length === 0) return new Map()
  const rows = await queryText(client, doing, `SELECT x, age(x::xid) AS age FROM (VALUES ${horizons.map((horizon) => `('${horizon}')`).join(', ')}) AS v(x)`)
  return new Map(rows.map((row) => [row.x!, row.age!]))
}
