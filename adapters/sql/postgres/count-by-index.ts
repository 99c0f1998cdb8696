import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { fromRows, rowAliases } from './from-rows.ts'
import { atLeast, below, keyLiterals } from './key-sql.ts'
import { queryText } from './query.ts'
import { type CountedRange, isYounger, type RangeCount } from './row-age.ts'

/** Above this many ranges in a statement, a plan that scans the table for each of them must not happen, whatever the planner believes of its size. */
const FEW = 2

/**
 * Looks the ranges up in the key's index: for few rows of a large table. One statement for each shape of range. Leaves planner settings changed:
 * run it behind a savepoint that is rolled back.
 */
export async function countByIndex(client: PostgresClient, entity: PostgresEntity, ranges: readonly CountedRange[]): Promise<ReadonlyMap<number, RangeCount>> {
  const counts = new Map<number, RangeCount>()
  for (const shape of shapesOf(ranges)) {
    const sql = countSql(entity, shape)
    const rows = await queryText(client, `checking ${entity.descriptor.name}`, `SET LOCAL enable_seqscan = ${shape.length > FEW ? 'off' : 'on'}; ${sql}`)
    for (const row of rows) counts.set(Number(row.i), { rows: Number(row.n), newerRows: Number(row.newer), newer: Number(row.newer) > 0 })
  }
  return counts
}

/** Ranges with the same bounds missing, so that one condition serves all of a statement. */
function shapesOf(ranges: readonly CountedRange[]): readonly (readonly CountedRange[])[] {
  const shapes = new Map<string, CountedRange[]>()
  for (const counted of ranges) {
    const shape = `${counted.range.from === null} ${counted.range.to === null}`
    shapes.set(shape, [...(shapes.get(shape) ?? []), counted])
  }
  return [...shapes.values()]
}

function countSql(entity: PostgresEntity, ranges: readonly CountedRange[]): string {
  const { key } = entity
  const first = ranges[0]!.range
  const names = (prefix: string, bound: string | null) => (bound === null ? [] : key.map((_, place) => `${prefix}${place}`))
  const [from, to] = [names('f', first.from), names('t', first.to)]
  const values = ranges.map(({ index, range, horizon }) => {
    const bounds = [range.from, range.to].flatMap((bound) => (bound === null ? [] : keyLiterals(key, bound)))
    return `(${[index, horizon === null ? 'NULL::xid' : `'${horizon}'::xid`, ...bounds].join(', ')})`
  })
  const bound = (columns: readonly string[]) => columns.map((column) => `r.${column}`)
  const conditions = [...(from.length > 0 ? [atLeast(key, bound(from))] : []), ...(to.length > 0 ? [below(key, bound(to))] : [])]
  // Without looking at row versions, the index alone may answer.
  const newer = ranges.every(({ horizon }) => horizon === null) ? '0' : `count(*) FILTER (WHERE ${isYounger('r.horizon', rowAliases(entity))})`
  return `WITH r AS (SELECT v.*, age(v.x) AS horizon FROM (VALUES ${values.join(', ')}) AS v(${['i', 'x', ...from, ...to].join(', ')}))
    SELECT r.i, c.n, c.newer FROM r CROSS JOIN LATERAL (
      SELECT count(*) AS n, ${newer} AS newer ${[fromRows(entity), ...conditions].join(' AND ')}) AS c`
}
