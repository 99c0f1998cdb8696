import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { fromRows, rowAliases } from './from-rows.ts'
import { KeyIntervals } from './key-intervals.ts'
import { queryText } from './query.ts'
import { type CountedRange, isNewer, type RangeCount, readHorizonAges, rowAge } from './row-age.ts'

/**
 * Planner settings for a pass over a table that counts few groups: nobody can estimate how few, and a plan that sorts the table spills it to disk. Parallel
 * workers may not compute ages, and would only hand all rows on.
 */
const ONE_PASS = 'SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0'

/**
 * Counts all ranges in one pass over the table, in whatever order it lies: for ranges that make up much of it. Leaves planner settings changed: run it behind a
 * savepoint that is rolled back.
 */
export async function countByScan(client: PostgresClient, entity: PostgresEntity, ranges: readonly CountedRange[]): Promise<ReadonlyMap<number, RangeCount>> {
  const doing = `checking ${entity.descriptor.name}`
  const asked = ranges.map(({ range }) => range)
  const intervals = await KeyIntervals.of(client, doing, entity.key, asked)
  const ages = await readHorizonAges(client, doing, ranges)
  const youngest = ages.size === 0 ? 'NULL' : `min(${rowAge(rowAliases(entity))})`
  const sql = `SELECT ${intervals.sql()} AS interval, count(*) AS n, ${youngest} AS youngest
    ${[fromRows(entity), ...intervals.conditions(asked)].join(' AND ')} GROUP BY 1`
  const found = new Map((await queryText(client, doing, `${ONE_PASS}; ${sql}`)).map((row) => [Number(row.interval), row]))
  const counts = new Map<number, RangeCount>()
  for (const { index, range, horizon } of ranges) {
    let rows = 0
    let newer = false
    for (let interval = intervals.first(range); interval <= intervals.last(range); interval++) {
      const { n, youngest: age } = found.get(interval) ?? {}
      rows += Number(n ?? 0)
      newer ||= isNewer(age, horizon === null ? null : ages.get(horizon))
    }
    counts.set(index, { rows, newerRows: null, newer })
  }
  return counts
}
