import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { ScopeFilter } from '../../../src/contracts/row-owner.ts'
import { isUuidText, isWholeNumber, unfitScope, unfitTenantColumn } from '../scope-problem.ts'
import type { PostgresEntity } from './catalog.ts'
import { quoteIdent, quoteLiteral, quoteTable } from './quote.ts'
import { onlyMembers } from './from-rows.ts'

/** The rows of one tenant, as SQL beside the table `t`. */
export interface PostgresScope {
  readonly filter: ScopeFilter
  /** `JOIN …` for each table on the way to the tenant. Each row of `t` finds one row at most: it is found by its whole key. */
  readonly joins: string
  readonly condition: string
  /** The same as one condition on a row of the table `l`. */
  readonly live: string
  /** What stands for the rows that are joined. */
  readonly aliases: readonly string[]
  /** Their entities. */
  readonly owners: readonly PostgresEntity[]
}

/** Ties each entity that is selected with a filter to the tables that its filter needs, which are among `entities`. */
export function withScopes(entities: readonly PostgresEntity[], selection: readonly EntitySelection[]): readonly PostgresEntity[] {
  return entities.map((entity, at) => {
    const filter = selection[at]?.filter
    return filter ? { ...entity, scope: scopeOf(entity, filter, entities) } : entity
  })
}

function scopeOf(entity: PostgresEntity, filter: ScopeFilter, entities: readonly PostgresEntity[]): PostgresScope {
  const joins: string[] = []
  const conditions: string[] = []
  const owners: PostgresEntity[] = []
  const aliases: string[] = []
  let [last, alias] = [entity, 't']
  for (const [at, step] of filter.path.entries()) {
    const owner = entities.find(({ descriptor }) => descriptor.name === step.entity)!
    const name = `s${at}`
    const { only, condition } = onlyMembers(owner, name)
    const same = step.fields.map((field, place) => `${name}.${columnOf(owner, step.references[place]!)} = ${alias}.${columnOf(last, field)}`)
    joins.push(` JOIN ${only}${quoteTable(owner.schema, owner.table)} AS ${name} ON ${same.join(' AND ')}`)
    if (condition !== null) conditions.push(condition)
    owners.push(owner)
    aliases.push(name)
    ;[last, alias] = [owner, name]
  }
  const live = liveCondition(entity, 'l', filter, owners)
  return { filter, joins: joins.join(''), condition: [...conditions, tenantCondition(last, alias, filter)].join(' AND '), live, aliases, owners }
}

function liveCondition(entity: PostgresEntity, alias: string, filter: ScopeFilter, owners: readonly PostgresEntity[], at = 0): string {
  const step = filter.path[at]
  if (!step) return tenantCondition(entity, alias, filter)
  const owner = owners[at]!
  const name = `s${at}`
  const { only, condition } = onlyMembers(owner, name)
  const same = step.fields.map((field, place) => `${name}.${columnOf(owner, step.references[place]!)} = ${alias}.${columnOf(entity, field)}`)
  const all = [...same, ...(condition === null ? [] : [condition]), liveCondition(owner, name, filter, owners, at + 1)]
  return `EXISTS (SELECT FROM ${only}${quoteTable(owner.schema, owner.table)} AS ${name} WHERE ${all.join(' AND ')})`
}

function columnOf({ columns }: PostgresEntity, path: string): string {
  return quoteIdent(columns.find((column) => column.path === path)!.column)
}

/**
 * Exactly the text of the scope: `COLLATE "C"` keeps collations and types that take different texts for equal from letting another tenant in. A plain comparison stands
 * beside it where the type has one, for an index on the column.
 */
function tenantCondition({ descriptor, ...entity }: PostgresEntity, alias: string, filter: ScopeFilter): string {
  const { type, dbType } = descriptor.fields.find(({ path }) => path === filter.field)!
  const column = `${alias}.${columnOf({ descriptor, ...entity }, filter.field)}`
  const { value } = filter
  if (type.kind === 'int' || type.kind === 'bigint') {
    if (!isWholeNumber(value)) throw unfitScope(descriptor.name, filter, dbType)
    return `${column} = ${value}`
  }
  if (type.kind !== 'text') throw unfitTenantColumn(descriptor.name, filter, dbType)
  if (dbType === 'uuid' && !isUuidText(value)) throw unfitScope(descriptor.name, filter, dbType)
  const exact = `${column}::text COLLATE "C" = ${quoteLiteral(value)} COLLATE "C"`
  if (dbType === 'uuid') return `${column} = ${quoteLiteral(value)}::uuid`
  return /^(text|character varying|character)\b/.test(dbType) ? `(${column} = ${quoteLiteral(value)} AND ${exact})` : `(${exact})`
}
