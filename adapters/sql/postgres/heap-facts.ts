import { oidArray } from './catalog-facts.ts'
import type { PostgresEntity } from './catalog.ts'
import type { PostgresClient } from './connections.ts'
import { queryJson } from './query.ts'

/** What must be the same for the row versions of a table to mean the same. Fingerprints are SHA-256 in hex. */
export interface HeapFacts {
  /** OID of the entity's table. */
  readonly root: string
  /** OID and relfilenode of the table and of everything below it: partitions, inheritance children. */
  readonly relations: string
  /**
   * Of each recorded column in each of those tables: number, type, collation, generation expression, and the value that rows written before the column
   * was added are given on reading.
   */
  readonly columns: string
  /** Of each type they are made of, however deep: enum labels, composite attributes, base types, version of the extension that prints it. */
  readonly types: string
  /** Version of the collations that order the key. */
  readonly collations: string
  /** Why row versions do not tell whether the content changed; null when they do. */
  readonly opaque: 'storage' | 'catalog-type' | null
}

/**
 * Reads the facts of all entities in one query.
 *
 * A row version of a plain heap is never altered, so its content can only change with what the facts name. Not so with the types that print names
 * out of the catalog (`regclass`, `aclitem`…): a renamed table changes their text and no row. And other table access methods owe no xmin to anyone.
 */
export async function readHeapFacts(
  client: PostgresClient,
  entities: readonly PostgresEntity[],
  server: { readonly version: number },
): Promise<ReadonlyMap<string, HeapFacts>> {
  const asked = entities.map((entity) => ({
    root: entity.oid,
    columns: entity.columns.map(({ column }) => column),
    key: entity.key.map(({ column }) => column),
  }))
  const facts = await queryJson<readonly HeapFacts[]>(client, 'reading what the tables are made of', heapFactsSql(server.version), [
    JSON.stringify(asked),
    oidArray(PRINT_THE_CATALOG),
  ])
  return new Map(facts.map((heap) => [heap.root, heap]))
}

/** regproc, regprocedure, regoper, regoperator, regclass, regtype, regconfig, regdictionary, regrole, regnamespace, regcollation, aclitem. */
const PRINT_THE_CATALOG = ['24', '2202', '2203', '2204', '2205', '2206', '3734', '3769', '4096', '4089', '4191', '1033']

const hash = (rows: string): string => `encode(sha256(convert_to(coalesce(${rows}, ''), 'UTF8')), 'hex')`

const heapFactsSql = (version: number): string => `
  WITH RECURSIVE asked AS (
    SELECT a.root::oid AS root, a.columns, a.key FROM jsonb_to_recordset($1::jsonb) AS a(root text, columns text[], key text[])),
  tree AS (
    SELECT root, root AS oid FROM asked UNION SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid),
  col AS (
    SELECT tree.root, c.* FROM tree JOIN asked USING (root) JOIN pg_attribute c ON c.attrelid = tree.oid AND c.attname = ANY (asked.columns) AND c.attnum > 0 AND NOT c.attisdropped),
  typ AS (
    SELECT root, atttypid AS oid FROM col
    UNION
    SELECT typ.root, part.oid FROM typ JOIN pg_type t ON t.oid = typ.oid CROSS JOIN LATERAL (
      SELECT t.typelem AS oid WHERE t.typelem <> 0
      UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
      UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid${version >= 140000 ? ' OR r.rngmultitypid = t.oid' : ''}
      UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) part)
  SELECT coalesce(json_agg(json_build_object(
    'root', asked.root::text,
    'relations', (SELECT ${hash(`string_agg(format('%s:%s', c.oid, c.relfilenode), ',' ORDER BY c.oid)`)} FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE tree.root = asked.root),
    'columns', (SELECT ${hash(`string_agg(
        format('%s.%s %L %s(%s) %s %s%L%L', col.attrelid, col.attnum, col.attname, col.atttypid, col.atttypmod, col.attcollation, col.attgenerated,
          CASE WHEN col.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, CASE WHEN col.atthasmissing THEN col.attmissingval::text END), chr(10)
        ORDER BY col.attrelid, col.attnum)`)}
      FROM col LEFT JOIN pg_attrdef d ON d.adrelid = col.attrelid AND d.adnum = col.attnum WHERE col.root = asked.root),
    'types', (SELECT ${hash(`string_agg(format('%s %L %s %s(%s) %s %L %s', t.oid, t.typname, t.typtype, t.typbasetype, t.typtypmod, t.typoutput::oid,
          (SELECT string_agg(format('%s %L', e.enumsortorder, e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
          (SELECT string_agg(format('%s %L %s(%s) %s', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped), ',' ORDER BY a.attnum)
           FROM pg_attribute a WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0)) || coalesce(x.version, ''), chr(10) ORDER BY t.oid)`)}
      FROM typ JOIN pg_type t ON t.oid = typ.oid LEFT JOIN LATERAL (
        SELECT e.extname || ' ' || e.extversion AS version FROM pg_depend p JOIN pg_extension e ON e.oid = p.refobjid
        WHERE p.classid = 'pg_type'::regclass AND p.objid = t.oid AND p.refclassid = 'pg_extension'::regclass AND p.deptype = 'e' LIMIT 1) x ON true
      WHERE typ.root = asked.root),
    'collations', (SELECT ${hash(`string_agg(format('%s %s %L', o.oid, o.collprovider, pg_collation_actual_version(o.oid)), ',' ORDER BY o.oid)`)}
      FROM pg_attribute a JOIN pg_collation o ON o.oid = a.attcollation AND o.collprovider <> 'd' WHERE a.attrelid = asked.root AND a.attname = ANY (asked.key)),
    'opaque', CASE
      WHEN EXISTS (SELECT FROM tree JOIN pg_class c ON c.oid = tree.oid LEFT JOIN pg_am m ON m.oid = c.relam
                   WHERE tree.root = asked.root AND c.relkind <> 'p' AND (c.relkind <> 'r' OR m.amname IS DISTINCT FROM 'heap')) THEN 'storage'
      WHEN EXISTS (SELECT FROM typ WHERE typ.root = asked.root AND typ.oid = ANY ($2::oid[])) THEN 'catalog-type' END
    )), '[]') AS json
  FROM asked`
