import type { PostgresClient } from './connections.ts'
import type { StoredType } from './field-type.ts'
import { queryAll, queryJson } from './query.ts'
import { quoteLiteral } from './quote.ts'

/** What `pg_class` says of a name. OIDs are text throughout: they are names here, never numbers. */
export interface RelationFacts {
  /** Position in the list that was asked. */
  readonly index: number
  readonly oid: string
  readonly schema: string
  readonly table: string
  /** `r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table. */
  readonly kind: string
  /** A policy would hide rows of it from this role. */
  readonly hidden: boolean
  /** OIDs of the tables that hold its rows: itself unless partitioned, partitions, inheritance children. */
  readonly members: readonly string[]
  /** Foreign tables among its partitions and inheritance children. */
  readonly foreignChildren: readonly string[]
}

export interface ColumnFacts {
  readonly relation: string
  readonly name: string
  readonly number: number
  readonly dbType: string
  /** SQL name of the type through domains, without modifiers: what a literal is cast to. */
  readonly baseType: string
  readonly type: StoredType
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** `pg_attribute.attidentity`: `a`, `d` or empty. */
  readonly identity: string
  /** `pg_attribute.attgenerated`: `s`, `v` or empty. */
  readonly generated: string
  /** OID of the sequence behind an identity, or behind a default that is `nextval` of it. */
  readonly sequence: string | null
}

export interface IndexColumnFacts {
  readonly number: number
  /** The index orders the column as a plain `ORDER BY` does: default operator class, collation of the column. */
  readonly plain: boolean
  /** Qualified SQL name of the column's collation; null when it is the database's, or the type has none. */
  readonly collation: string | null
  /** Schema and names of the operators that keep that order. */
  readonly operatorSchema: string
  readonly less: string
  readonly atLeast: string
}

/** A unique index without expressions and predicate. */
export interface UniqueFacts {
  readonly relation: string
  readonly name: string
  readonly primary: boolean
  readonly columns: readonly IndexColumnFacts[]
}

export interface ForeignKeyFacts {
  readonly relation: string
  readonly name: string
  readonly columns: readonly number[]
  readonly target: string
  readonly targetSchema: string
  readonly targetTable: string
  readonly targetColumns: readonly string[]
}

export interface TableName {
  readonly schema?: string | undefined
  readonly table: string
}

/** Finds tables by name; those without schema along `searchPath`. Names that are not there are missing from the answer. */
export function readRelations(client: PostgresClient, names: readonly TableName[], searchPath: readonly string[]): Promise<readonly RelationFacts[]> {
  const asked = names.map(({ schema, table }, index) => ({ index, schema: schema ?? null, table }))
  return queryJson(client, 'looking up the mapped tables', RELATIONS, [JSON.stringify(asked), JSON.stringify(searchPath)])
}

/** What the catalog says of tables. */
export interface CatalogFacts {
  readonly columns: readonly ColumnFacts[]
  readonly uniques: readonly UniqueFacts[]
  readonly foreignKeys: readonly ForeignKeyFacts[]
}

export async function readFacts(client: PostgresClient, oids: readonly string[]): Promise<CatalogFacts> {
  const tables = oidArraySql(oids)
  const answers = await queryAll(client, 'reading the catalog', [[columnsOf(tables)], [uniquesOf(tables)], [foreignKeysOf(tables)]])
  const [columns, uniques, foreignKeys] = answers.map(([row]) => JSON.parse(row!.json!) as never)
  return { columns: columns!, uniques: uniques!, foreignKeys: foreignKeys! }
}

/** The text of an `oid[]` parameter. */
export const oidArray = (oids: readonly string[]): string => `{${oids.join(',')}}`

/** The same where it stands in the SQL. */
export const oidArraySql = (oids: readonly string[]): string => `${quoteLiteral(oidArray(oids))}::oid[]`

const RELATIONS = `
  WITH RECURSIVE path AS (SELECT name, place FROM jsonb_array_elements_text($2::jsonb) WITH ORDINALITY AS p(name, place)),
  found AS (
    SELECT m.index, c.* FROM jsonb_to_recordset($1::jsonb) AS m(index int, schema text, "table" text)
    CROSS JOIN LATERAL (
      SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN path p ON p.name = n.nspname
      WHERE c.relname = m."table" AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND CASE WHEN m.schema IS NULL THEN p.name IS NOT NULL ELSE n.nspname = m.schema END
      ORDER BY p.place LIMIT 1) c),
  tree AS (
    SELECT oid AS root, oid FROM found UNION SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)
  SELECT coalesce(json_agg(json_build_object(
    'index', f.index, 'oid', f.oid::text, 'schema', f.nspname, 'table', f.relname, 'kind', f.relkind, 'hidden', row_security_active(f.oid),
    'members', (SELECT coalesce(json_agg(c.oid::text ORDER BY c.oid), '[]') FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE tree.root = f.oid AND c.relkind <> 'p'),
    'foreignChildren', (SELECT coalesce(json_agg(c.relname), '[]') FROM tree JOIN pg_class c ON c.oid = tree.oid
                        WHERE tree.root = f.oid AND tree.oid <> f.oid AND c.relkind = 'f'))), '[]') AS json
  FROM found f`

const columnsOf = (tables: string) => `
  WITH RECURSIVE stored AS (
    SELECT a.attrelid, a.attnum, a.atttypid AS type, false AS refuses_null FROM pg_attribute a
    WHERE a.attrelid = ANY (${tables}) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT s.attrelid, s.attnum, t.typbasetype, s.refuses_null OR t.typnotnull FROM stored s JOIN pg_type t ON t.oid = s.type WHERE t.typtype = 'd'),
  element AS (
    SELECT s.attrelid, s.attnum, e.typdelim, e.oid AS type FROM stored s JOIN pg_type t ON t.oid = s.type JOIN pg_type e ON e.oid = t.typelem
    WHERE t.typtype = 'b' AND e.typarray = t.oid
    UNION ALL
    SELECT e.attrelid, e.attnum, e.typdelim, t.typbasetype FROM element e JOIN pg_type t ON t.oid = e.type WHERE t.typtype = 'd')
  SELECT coalesce(json_agg(json_build_object(
    'relation', a.attrelid::text, 'name', a.attname, 'number', a.attnum, 'dbType', format_type(a.atttypid, a.atttypmod), 'baseType', format_type(t.oid, -1),
    'type', json_build_object('oid', t.oid::text, 'element', CASE WHEN e.oid IS NULL THEN NULL ELSE json_build_object(
      'oid', e.oid::text, 'delimiter', el.typdelim, 'isArray', EXISTS (SELECT FROM pg_type i WHERE i.oid = e.typelem AND i.typarray = e.oid)) END),
    'notNull', a.attnotnull OR s.refuses_null, 'hasDefault', a.atthasdef, 'identity', a.attidentity, 'generated', a.attgenerated,
    'sequence', coalesce(
      (SELECT d.objid FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
       WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i' LIMIT 1),
      (SELECT d.refobjid FROM pg_attrdef x JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = x.oid AND d.refclassid = 'pg_class'::regclass
       JOIN pg_class q ON q.oid = d.refobjid AND q.relkind = 'S'
       WHERE x.adrelid = a.attrelid AND x.adnum = a.attnum AND t.oid IN (20, 21, 23, 1700) AND pg_get_expr(x.adbin, x.adrelid) LIKE 'nextval(%' LIMIT 1))::text
    ) ORDER BY a.attrelid, a.attnum), '[]') AS json
  FROM pg_attribute a
  JOIN stored s ON s.attrelid = a.attrelid AND s.attnum = a.attnum
  JOIN pg_type t ON t.oid = s.type AND t.typtype <> 'd'
  LEFT JOIN (element el JOIN pg_type e ON e.oid = el.type AND e.typtype <> 'd') ON el.attrelid = a.attrelid AND el.attnum = a.attnum
  WHERE a.attrelid = ANY (${tables})`

const uniquesOf = (tables: string) => `
  SELECT coalesce(json_agg(json_build_object('relation', i.indrelid::text, 'name', c.relname, 'primary', i.indisprimary, 'columns', k.columns)
    ORDER BY i.indrelid, NOT i.indisprimary, c.relname), '[]') AS json
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
      'number', a.attnum, 'plain', o.opcdefault AND i.indcollation[p] = a.attcollation, 'operatorSchema', n.nspname,
      'collation', (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                    WHERE co.oid = a.attcollation AND co.collprovider <> 'd'),
      'less', less.oprname, 'atLeast', least.oprname)
      ORDER BY p) AS columns
    FROM generate_series(0, i.indnkeyatts - 1) p
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p]
    JOIN pg_opclass o ON o.oid = i.indclass[p]
    JOIN pg_amop l ON l.amopfamily = o.opcfamily AND l.amoplefttype = o.opcintype AND l.amoprighttype = o.opcintype AND l.amopstrategy = 1
    JOIN pg_amop g ON g.amopfamily = o.opcfamily AND g.amoplefttype = o.opcintype AND g.amoprighttype = o.opcintype AND g.amopstrategy = 4
    JOIN pg_operator less ON less.oid = l.amopopr JOIN pg_operator least ON least.oid = g.amopopr JOIN pg_namespace n ON n.oid = less.oprnamespace) k
  WHERE i.indrelid = ANY (${tables}) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL`

const foreignKeysOf = (tables: string) => `
  SELECT coalesce(json_agg(json_build_object(
    'relation', f.conrelid::text, 'name', f.conname, 'columns', to_json(f.conkey), 'target', f.confrelid::text, 'targetSchema', n.nspname, 'targetTable', c.relname,
    'targetColumns', (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(f.confkey) WITH ORDINALITY AS k(number, place)
                      JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number)) ORDER BY f.conrelid, f.conname), '[]') AS json
  FROM pg_constraint f JOIN pg_class c ON c.oid = f.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid = ANY (${tables})`
