import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { countByIndex } from './count-by-index.ts'
import { countRows } from './count-rows.ts'
import { fromRows, rowAliases } from './from-rows.ts'
import { KeyIntervals } from './key-intervals.ts'
import { queryText } from './query.ts'
import type { CountedRange, RangeCount } from './row-age.ts'
import { writtenSince } from './written-since.ts'

/** Share of the ranges that may have been written to for each of them to be looked up by index. */
const LOOKED_UP = 0.25

/**
 * Counts adjoining ranges that one snapshot confirmed, in one pass over the table that looks up the range of newer rows only, and that parallel workers may share.
 * Null for other ranges. Leaves planner settings changed: run it behind a savepoint that is rolled back.
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
  const [horizon] = horizons
  if (horizons.size !== 1 || !horizon) return null
  const asked = ranges.map(({ range }) => range)
  const intervals = await KeyIntervals.of(client, doing, entity.key, asked)
  if (!intervals.adjoin(asked)) return null
  const [now] = await queryText(client, doing, 'SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xmax')

  const newerRow = writtenSince(horizon, now!.xmax!, rowAliases(entity))
  const rows = [fromRows(entity), ...intervals.conditions(asked)].join(' AND ')
  // One bit for each interval: without groups, whose number nobody can estimate, each worker does its share of the work and not just of the reading.
  const bit = `set_bit(B'${'0'.repeat(intervals.count)}', ${intervals.sql()}, 1)`
  const [found] = await queryText(client, doing, `SELECT count(*) AS n, bit_or(CASE WHEN ${newerRow} THEN ${bit} END) AS newer ${rows}`)
  const isNewer = found!.newer ?? ''
  const hasNewer = ({ range }: CountedRange) => isNewer.slice(intervals.first(range), intervals.last(range) + 1).includes('1')
  const [written, still] = [ranges.filter(hasNewer), ranges.filter((range) => !hasNewer(range))]

  const counts = new Map<number, RangeCount>(still.map(({ index, rows: held }) => [index, { rows: held, newerRows: 0, newer: false }]))
  if (written.length > ranges.length * LOOKED_UP) return countTogether()
  if (written.length > 0) for (const [index, count] of await countByIndex(client, entity, written)) counts.set(index, count)
  const sum = [...counts.values()].reduce((all, count) => all + count.rows, 0)
  if (sum !== Number(found!.n)) for (const [index, count] of await countRows(client, entity, still)) counts.set(index, { ...count, newerRows: 0 })
  return counts

  /**
   * Where many ranges were written to, all are counted in one more pass. Of a column of a union the planner takes it that it has few values, as this one has, so each
   * worker counts by itself; of an expression over the key it would take it that there are as many as keys, and have all rows handed on to one process.
   */
  async function countTogether(): Promise<ReadonlyMap<number, RangeCount>> {
    const each = `SELECT ${intervals.sql()} AS interval, ${newerRow} AS newer ${rows} UNION ALL SELECT 0, false FROM pg_class WHERE false`
    const sql = `SELECT interval, count(*) AS n, count(*) FILTER (WHERE newer) AS newer FROM (${each}) AS each GROUP BY 1`
    const groups = new Map((await queryText(client, doing, `SET LOCAL enable_sort = off; ${sql}`)).map((row) => [Number(row.interval), row]))
    return new Map(
      ranges.map(({ index, range }) => {
        const total = { rows: 0, newerRows: 0 }
        for (let interval = intervals.first(range); interval <= intervals.last(range); interval++) {
          const { n, newer } = groups.get(interval) ?? {}
          total.rows += Number(n ?? 0)
          total.newerRows += Number(newer ?? 0)
        }
        return [index, { ...total, newer: total.newerRows > 0 }]
      }),
    )
  }
}
