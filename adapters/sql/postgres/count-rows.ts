import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { countByIndex } from './count-by-index.ts'
import { countByScan } from './count-by-scan.ts'
import { queryJson } from './query.ts'
import type { CountedRange, RangeCount } from './row-age.ts'

/** Share of a table's pages that the server must know to be visible to all, for the index alone to answer without many visits to the table. */
const VISIBLE = 0.7

/** Counts the rows of ranges, whoever wrote them: by the index of the key alone where that can be, else in a pass over the table. */
export async function countRows(client: PostgresClient, entity: PostgresEntity, ranges: readonly CountedRange[]): Promise<ReadonlyMap<number, RangeCount>> {
  if (ranges.length === 0) return new Map()
  const { pages, visible } = await queryJson<{ pages: number; visible: number }>(client, `sizing ${entity.descriptor.name}`, FACTS, [entity.oid])
  const rows = ranges.reduce((sum, range) => sum + range.rows, 0)
  const byIndex = rows < pages || (entity.members.length === 1 && visible >= pages * VISIBLE)
  const bare = ranges.map((range) => ({ ...range, horizon: null }))
  return byIndex ? countByIndex(client, entity, bare) : countByScan(client, entity, bare)
}

const FACTS = `SELECT json_build_object('pages', relpages, 'visible', relallvisible) AS json FROM pg_class WHERE oid = $1`
