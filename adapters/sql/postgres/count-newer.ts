import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { countRows } from './count-rows.ts'
import { ONE_PASS } from './count-by-scan.ts'
import { fromRows } from './from-rows.ts'
import { KeyIntervals } from './key-intervals.ts'
import { queryText } from './query.ts'
import { type CountedRange, isYounger, type RangeCount, readHorizonAges } from './row-age.ts'

/**
 * Counts adjoining ranges that one snapshot confirmed, in one pass over the table that looks up the range of newer rows only. Null for other ranges. Leaves planner
 * settings changed: run it behind a savepoint that is rolled back.
 *
 * A range without newer rows holds some of the rows that it held, and none besides: a moved row is a newer one. So when ranges without newer rows hold as many
 * rows together as they did, each holds what it held, and their rows need not be told apart.
 */
export async function countNewer(
  client: PostgresClient,
  entity: PostgresEntity,
  ranges: readonly CountedRange[],
): Promise<ReadonlyMap<number, RangeCount> | null> {
  const doing = `checking ${entity.descriptor.name}`
  const horizons = new Set(ranges.map(({ horizon }) => horizon))
  if (horizons.size !== 1 || horizons.has(null)) return null
  const asked = ranges.map(({ range }) => range)
  const intervals = await KeyIntervals.of(client, doing, entity.key, asked)
  if (!intervals.adjoin(asked)) return null
  const [age] = (await readHorizonAges(client, doing, ranges)).values()

  const sql = `SELECT CASE WHEN ${isYounger(age!)} THEN ${intervals.sql()} END AS interval, count(*) AS n
    ${[fromRows(entity), ...intervals.conditions(asked)].join(' AND ')} GROUP BY 1`
  const found = await queryText(client, doing, `${ONE_PASS}; ${sql}`)
  const newerIn = new Map(found.filter(({ interval }) => interval !== null).map(({ interval, n }) => [Number(interval), Number(n)]))
  const newerOf = ({ range }: CountedRange): number => {
    let rows = 0
    for (let interval = intervals.first(range); interval <= intervals.last(range); interval++) rows += newerIn.get(interval) ?? 0
    return rows
  }
  const total = found.reduce((sum, { n }) => sum + Number(n), 0)
  const newer = new Map(ranges.map((range) => [range.index, newerOf(range)]))
  const [written, still] = [ranges.filter(({ index }) => newer.get(index)! > 0), ranges.filter(({ index }) => newer.get(index) === 0)]

  const counted = new Map(still.map(({ index, rows }) => [index, rows]))
  const add = async (some: readonly CountedRange[]) => {
    for (const [index, { rows }] of await countRows(client, entity, some)) counted.set(index, rows)
  }
  // Where most ranges were written to, the rest are counted along with them: that is one pass and not two.
  if (written.length > still.length) await add(ranges)
  else {
    await add(written)
    const sum = [...counted.values()].reduce((rows, more) => rows + more, 0)
    if (sum !== total) await add(still)
  }
  return new Map(
    ranges.map(({ index }) => {
      const newerRows = newer.get(index)!
      return [index, { rows: counted.get(index)!, newerRows, newer: newerRows > 0 }]
    }),
  )
}
