import type { SqliteConnection } from '../connection.ts'
import { quoteName } from '../quote.ts'
import type { Slices } from '../slices.ts'
import { LEAVING, WRITTEN } from './actions.ts'
import type { ItemPlan, PlannedColumn } from './item-plan.ts'
import type { ProblemList } from './problem-list.ts'
import { forRanges } from './row-ranges.ts'

interface UniqueColumns {
  readonly columns: readonly PlannedColumn[]
  readonly collations: readonly string[]
}

/** The unique indexes besides the key that the records can break. */
export function writtenUniques(plan: ItemPlan): readonly UniqueColumns[] {
  return plan.entity.uniques.flatMap(({ columns, collations }) => {
    const planned = columns.map((position) => plan.columns.find(({ column }) => column === plan.entity.columns[position]))
    return planned.every((column) => column !== undefined) ? [{ columns: planned, collations }] : []
  })
}

/** What lookups among the staged rows need an index on: unique values, and the key. Each entry is a column list. */
export function uniqueIndexes(plan: ItemPlan): string[] {
  const uniques = writtenUniques(plan)
  const { item } = plan
  if (uniques.length === 0 && !item.deleteExtra && item.deleteFrom === undefined) return []
  const key = plan.key.map(({ stage }) => stage).join(', ')
  return [key, ...uniques.map(({ columns, collations }) => columns.map(({ stage }, at) => `${stage} COLLATE ${quoteName(collations[at]!)}`).join(', '))]
}

/**
 * Records whose unique values another row will have too once the merge is done: a live row that the merge leaves as it is, or another record. Two rows that swap
 * their values are no clash.
 */
export function* findUniqueClashes(connection: SqliteConnection, plan: ItemPlan, problems: ProblemList): Slices<void> {
  const { actions, staged, table, sameKey, key } = plan
  // The `+` takes the affinity off, without which the index on a column without affinity could not be used.
  const moved = `SELECT 1 FROM ${staged} m CROSS JOIN ${actions} ma ON ma.n = m.n WHERE ${key.map(({ stage, live }) => `m.${stage} = +l.${live}`).join(' AND ')} AND ma.act IN ${LEAVING}`
  for (const { columns, collations } of writtenUniques(plan)) {
    const same = (left: (column: PlannedColumn) => string) =>
      columns.map((column, at) => `${left(column)} = s.${column.stage} COLLATE ${quoteName(collations[at]!)}`).join(' AND ')
    const sql = `SELECT s.n FROM ${actions} a CROSS JOIN ${staged} s ON s.n = a.n WHERE a.n BETWEEN ? AND ? AND a.act IN ${WRITTEN} AND ${columns.map(({ stage }) => `s.${stage} IS NOT NULL`).join(' AND ')} AND (
      EXISTS (SELECT 1 FROM ${table} l WHERE ${same(({ live }) => `l.${live}`)} AND NOT (${sameKey}) AND NOT EXISTS (${moved}))
      OR EXISTS (SELECT 1 FROM ${staged} o CROSS JOIN ${actions} oa ON oa.n = o.n WHERE ${same(({ stage }) => `o.${stage}`)} AND o.n < s.n AND oa.act IN ${WRITTEN}))`
    const message = `another row has the same ${columns.map(({ path }) => path).join(', ')}`
    yield* forRanges(connection, staged, (first, last) => {
      const lines = connection.rows(sql, [first, last]).map(([line]) => line as bigint)
      problems.addLines(connection, plan, lines, 'unique-clash', message)
    })
  }
}
