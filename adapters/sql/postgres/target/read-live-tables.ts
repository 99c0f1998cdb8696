import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { PostgresEntity } from '../catalog.ts'
import { oidArraySql } from '../catalog-facts.ts'
import { quoteTable } from '../quote.ts'
import type { CheckConstraint, ForeignKey, LiveColumn, LiveTable, TableHook, UniqueIndex } from './live-table.ts'
import type { TargetTransaction } from './target-session.ts'

interface TableFacts {
  readonly oid: string
  readonly owned: boolean
  readonly lacks: readonly string[]
  readonly columns: readonly LiveColumn[]
  readonly uniques: readonly UniqueIndex[]
  readonly checks: readonly CheckConstraint[]
  readonly hooks: readonly TableHook[]
  readonly deferrableExclusion: boolean
  readonly unadvanceable: readonly string[]
}

const COLUMNS = `
  SELECT json_agg(json_build_object(
    'name', a.attname, 'dbType', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull, 'optional', a.atthasdef OR a.attidentity <> '',
    'computed', a.attgenerated <> '', 'identityAlways', a.attidentity = 'a') ORDER BY a.attnum)
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`

/** `nulls not distinct` came with PostgreSQL 15; through `to_jsonb` the query stands on older ones as well. */
const UNIQUES = `
  SELECT json_agg(json_build_object(
    'name', ic.relname, 'predicate', pg_get_expr(i.indpred, i.indrelid), 'deferrable', NOT i.indimmediate,
    'nullsNotDistinct', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false),
    'uses', (
      SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND (a.attnum = ANY (i.indkey) OR EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))),
    'columns', (
      SELECT json_agg(json_build_object(
        'name', a.attname, 'expression', pg_get_indexdef(i.indexrelid, n, true),
        'operator', format('OPERATOR(%I.%s)', ns.nspname, op.oprname)) ORDER BY n)
      FROM generate_series(1, i.indnkeyatts) n
      JOIN pg_opclass oc ON oc.oid = i.indclass[n - 1]
      JOIN pg_amop am ON am.amopfamily = oc.opcfamily AND am.amoplefttype = oc.opcintype AND am.amoprighttype = oc.opcintype
        AND am.amopstrategy = 3 AND am.amoppurpose = 's'
      JOIN pg_operator op ON op.oid = am.amopopr
      JOIN pg_namespace ns ON ns.oid = op.oprnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n - 1] AND a.attnum > 0)) ORDER BY NOT i.indisprimary, ic.relname)
  FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
  WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid`

const CHECKS = `
  SELECT json_agg(json_build_object(
    'name', k.conname, 'expression', pg_get_expr(k.conbin, k.conrelid),
    'columns', (SELECT coalesce(json_agg(a.attname), '[]') FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))) ORDER BY k.conname)
  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'`

/** Partitions and inheritance children included: their own triggers fire for rows that are routed to them. */
const HOOKS = `
  WITH RECURSIVE tree(oid) AS (SELECT c.oid UNION SELECT h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.oid),
  hook(relation, kind, name, fires) AS (
    SELECT t.tgrelid, 'trigger', t.tgname, t.tgenabled FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgtype & 28 <> 0
    UNION ALL
    SELECT r.ev_class, 'rule', r.rulename, r.ev_enabled FROM pg_rewrite r WHERE r.ev_type IN ('2', '3', '4'))
  SELECT json_agg(json_build_object(
    'kind', hook.kind, 'name', hook.name, 'table', format('%I.%I', hn.nspname, hc.relname), 'fires', hook.fires,
    'owned', pg_has_role(hc.relowner, 'USAGE')) ORDER BY hn.nspname, hc.relname, hook.kind, hook.name)
  FROM tree JOIN hook ON hook.relation = tree.oid JOIN pg_class hc ON hc.oid = tree.oid JOIN pg_namespace hn ON hn.oid = hc.relnamespace
  WHERE hook.fires <> 'D'`

/** Of all tables at once: planning the statement takes longer than running it. */
const tablesSql = (tables: string, sequences: string) => `
  SELECT coalesce(json_agg(json_build_object(
    'oid', c.oid::text, 'owned', pg_has_role(c.relowner, 'USAGE'),
    'lacks', (SELECT coalesce(json_agg(p), '[]') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p WHERE NOT has_table_privilege(c.oid, p)),
    'columns', (${COLUMNS}), 'uniques', coalesce((${UNIQUES}), '[]'), 'checks', coalesce((${CHECKS}), '[]'), 'hooks', coalesce((${HOOKS}), '[]'),
    'deferrableExclusion', EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'x' AND k.condeferrable),
    'unadvanceable', (SELECT coalesce(json_agg(q::text), '[]') FROM unnest(${sequences}) q WHERE NOT (has_sequence_privilege(q, 'UPDATE') AND has_sequence_privilege(q, 'SELECT, USAGE'))))), '[]') AS json
  FROM pg_class c WHERE c.oid = ANY (${tables})`

/**
 * Constraints of partitions repeat those of their partitioned table and are left out when that one is there already. Unenforced foreign keys
 * (PostgreSQL 18) promise nothing, so nothing is checked of them.
 */
const foreignKeysSql = (tables: string) => `
  WITH target AS (SELECT unnest(${tables}) AS oid)
  SELECT coalesce(json_agg(json_build_object(
    'oid', k.oid::text, 'name', k.conname, 'full', k.confmatchtype = 'f', 'deferrable', k.condeferrable, 'onUpdate', k.confupdtype,
    'period', coalesce((to_jsonb(k) ->> 'conperiod')::bool, false),
    'child', k.conrelid::text, 'childTable', format('%I.%I', cn.nspname, cc.relname), 'childOwned', pg_has_role(cc.relowner, 'USAGE'), 'childLockable', has_table_privilege(cc.oid, 'UPDATE, DELETE, TRUNCATE'),
    'childReadable', has_table_privilege(cc.oid, 'SELECT') AND has_schema_privilege(cn.oid, 'USAGE') AND NOT row_security_active(cc.oid),
    'parent', k.confrelid::text, 'parentTable', format('%I.%I', pn.nspname, pc.relname), 'parentLockable', has_table_privilege(pc.oid, 'UPDATE, DELETE, TRUNCATE'),
    'childColumns', (SELECT json_agg(a.attname ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u(num, n)
                     JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
    'parentColumns', (SELECT json_agg(a.attname ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY u(num, n)
                      JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num),
    'operators', (SELECT json_agg(format('OPERATOR(%I.%s)', n.nspname, o.oprname) ORDER BY u.n) FROM unnest(k.conpfeqop) WITH ORDINALITY u(op, n)
                  JOIN pg_operator o ON o.oid = u.op JOIN pg_namespace n ON n.oid = o.oprnamespace)) ORDER BY k.conname, k.oid), '[]') AS json
  FROM pg_constraint k
  JOIN pg_class cc ON cc.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
  JOIN pg_class pc ON pc.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
  WHERE k.contype = 'f' AND coalesce((to_jsonb(k) ->> 'conenforced')::bool, true)
    AND (k.conrelid IN (SELECT oid FROM target) OR k.confrelid IN (SELECT oid FROM target))
    AND NOT EXISTS (SELECT FROM pg_constraint up WHERE up.oid = k.conparentid
                    AND (up.conrelid IN (SELECT oid FROM target) OR up.confrelid IN (SELECT oid FROM target)))`

/**
 * Reads from the catalog what writing to the tables of `entities` touches, after the statements `first`, which go to the database along with the question and see to it that what is read holds.
 *
 * @throws `E_SCHEMA_DRIFT` for a table that has gone meanwhile; `E_MAPPING` for a foreign key over periods, which is not served.
 */
export async function readLiveTables(
  tx: TargetTransaction,
  entities: readonly PostgresEntity[],
  { doing, first }: { readonly doing: string; readonly first: readonly string[] } = { doing: 'reading the catalog', first: [] },
): Promise<readonly LiveTable[]> {
  const oids = oidArraySql(entities.map(({ oid }) => oid))
  const sequences = oidArraySql(entities.flatMap(({ columns }) => columns.flatMap(({ sequence }) => sequence ?? [])))
  const answers = await tx.all(doing, [[...first, foreignKeysSql(oids)], [tablesSql(oids, sequences)]])
  const [keys, found] = answers.map(([row]) => JSON.parse(row!.json!) as unknown) as [
    readonly (ForeignKey & { readonly period: boolean })[],
    readonly TableFacts[],
  ]
  const period = keys.find((key) => key.period)
  if (period) throw new HoldfastError('E_MAPPING', `foreign key ${period.name} of ${period.childTable} is over periods, which is not served`)
  return entities.map((entity) => {
    const table = quoteTable(entity.schema, entity.table)
    const facts = found.find(({ oid }) => oid === entity.oid)
    if (!facts) throw new HoldfastError('E_SCHEMA_DRIFT', `the table ${table} of ${entity.descriptor.name} is gone`)
    const columns = entity.key.map(({ column }) => column)
    const keyIndex = facts.uniques.find((index) => makesKey(index, columns))
    const { unadvanceable, ...same } = facts
    return {
      ...same,
      entity: entity.descriptor,
      own: entity.scope?.live ?? null,
      way: wayOf(entity),
      table,
      key: columns.map((column) => ({ column, operator: keyIndex?.columns.find(({ name }) => name === column)?.operator ?? '=' })),
      references: keys.filter((key) => key.child === entity.oid),
      referencedBy: keys.filter((key) => key.parent === entity.oid),
      // An index over the whole key and more cannot clash when the key does not.
      uniques: facts.uniques.filter((index) => !columns.every((column) => index.columns.some(({ name }) => name === column))),
      deferrableUniques: facts.uniques.filter(({ deferrable }) => deferrable),
      sequences: entity.columns.flatMap(({ path, column, sequence }) =>
        sequence === null ? [] : [{ field: path, column, oid: sequence, mayAdvance: !unadvanceable.includes(sequence) }],
      ),
    }
  })
}

function wayOf({ scope }: PostgresEntity): LiveTable['way'] {
  if (!scope || scope.owners.length === 0) return null
  const owners = scope.owners.map(({ oid, schema, table }, at) => ({ oid, table: quoteTable(schema, table), alias: scope.aliases[at]! }))
  return { joins: scope.joins, owners }
}

/** The unique index over exactly the key's columns; `describeEntities` has seen to it that there is one. */
function makesKey(index: UniqueIndex, columns: readonly string[]): boolean {
  return index.predicate === null && index.columns.length === columns.length && index.columns.every(({ name }) => name !== null && columns.includes(name))
}
