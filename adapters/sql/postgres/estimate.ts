import type { EntityEstimate } from '../../../src/contracts/consistent-view.ts'
import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { fromRows } from './from-rows.ts'
import { queryJson, queryText } from './query.ts'

/** Up to here (16 MiB of heap) rows are counted. */
const COUNTED_PAGES = 2048

/** Heap pages looked at where the planner was never told anything. */
const SAMPLED_PAGES = 256

interface SizeFacts {
  readonly pages: number
  readonly bytes: number
  /** By the rows per page of the last VACUUM or ANALYZE; null when some part was never looked at. */
  readonly rows: number | null
}

/** Rows and bytes (heap and TOAST) of a table with everything below it: counted where that is cheap, else the planner's figures, else from a sample. */
export async function estimateEntity(client: PostgresClient, entity: PostgresEntity): Promise<EntityEstimate> {
  const name = entity.descriptor.name
  const size = await queryJson<SizeFacts>(client, `estimating ${name}`, SIZE, [entity.oid])
  const count = async (sample?: string) => Number((await queryText(client, `counting ${name}`, `SELECT count(*) AS n ${fromRows(entity, sample)}`))[0]?.n)
  if (size.pages <= COUNTED_PAGES) return { entity: name, rows: await count(), bytes: size.bytes }
  if (size.rows !== null) return { entity: name, rows: size.rows, bytes: size.bytes }
  const share = SAMPLED_PAGES / size.pages
  return { entity: name, rows: Math.round((await count(` TABLESAMPLE SYSTEM (${share * 100}) REPEATABLE (0)`)) / share), bytes: size.bytes }
}

/** `reltuples` is -1 (0 before PostgreSQL 14) until the first VACUUM or ANALYZE. A leaf without pages has no rows, whatever it says. */
const SIZE = `
  WITH RECURSIVE tree AS (SELECT $1::oid AS oid UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid),
  leaf AS (
    SELECT pg_relation_size(c.oid) / current_setting('block_size')::int AS pages, pg_table_size(c.oid) AS bytes, c.reltuples, c.relpages
    FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE c.relkind = 'r')
  SELECT json_build_object('pages', coalesce(sum(pages), 0), 'bytes', coalesce(sum(bytes), 0),
    'rows', CASE WHEN bool_and(pages = 0 OR (relpages > 0 AND reltuples >= 0)) THEN round(coalesce(sum(reltuples::float8 / nullif(relpages, 0) * pages), 0)) END) AS json
  FROM leaf`
