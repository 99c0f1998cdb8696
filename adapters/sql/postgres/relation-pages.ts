import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { queryJson } from './query.ts'

/** Heap pages of a table and of everything below it, as they are now. */
export function readPages(client: PostgresClient, entity: PostgresEntity): Promise<number> {
  return queryJson(client, `sizing ${entity.descriptor.name}`, PAGES, [entity.oid])
}

const PAGES = `
  WITH RECURSIVE tree AS (SELECT $1::oid AS oid UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)
  SELECT coalesce(sum(pg_relation_size(c.oid) / current_setting('block_size')::int), 0) AS json FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE c.relkind = 'r'`
