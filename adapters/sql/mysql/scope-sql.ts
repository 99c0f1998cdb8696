import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { ScopeFilter } from '../../../src/contracts/row-owner.ts'
import { isUuidText, isWholeNumber, unfitScope, unfitTenantColumn } from '../scope-problem.ts'
import type { MysqlColumn, MysqlEntity } from './catalog.ts'
import { keyLiterals } from './key-sql.ts'
import { quoteBytes, quoteIdent, quoteTable } from './quote.ts'

/** The rows of one tenant, as SQL beside the table `t`. */
export interface MysqlScope {
  readonly filter: ScopeFilter
  /** A join for each table on the way to the tenant. Each row of `t` finds one row at most: it is found by its whole key. */
  readonly joins: string
  readonly condition: string
  /** The same as one condition on a row of the table `l`. */
  readonly live: string
  /** Entities of the rows that are joined. */
  readonly owners: readonly MysqlEntity[]
}

/** Ties each entity that is selected with a filter to the tables that its filter needs, which are among `entities`. */
export function withScopes(entities: readonly MysqlEntity[], selection: readonly EntitySelection[]): readonly MysqlEntity[] {
  return entities.map((entity, at) => {
    const filter = selection[at]?.filter
    return filter ? { ...entity, scope: scopeOf(entity, filter, entities) } : entity
  })
}

function scopeOf(entity: MysqlEntity, filter: ScopeFilter, entities: readonly MysqlEntity[]): MysqlScope {
  const joins: string[] = []
  const owners: MysqlEntity[] = []
  let [last, alias] = [entity, 't']
  for (const [at, step] of filter.path.entries()) {
    const owner = entities.find(({ descriptor }) => descriptor.name === step.entity)!
    const name = `s${at}`
    const same = step.fields.map((field, place) => `${name}.${nameOf(owner, step.references[place]!)} = ${alias}.${nameOf(last, field)}`)
    // In this order, so that rows still come in the order of the key.
    joins.push(` STRAIGHT_JOIN ${quoteTable(owner.schema, owner.table)} AS ${name} ON ${same.join(' AND ')}`)
    owners.push(owner)
    ;[last, alias] = [owner, name]
  }
  return { filter, joins: joins.join(''), condition: tenantCondition(last, alias, filter), live: liveCondition(entity, 'l', filter, owners), owners }
}

function liveCondition(entity: MysqlEntity, alias: string, filter: ScopeFilter, owners: readonly MysqlEntity[], at = 0): string {
  const step = filter.path[at]
  if (!step) return tenantCondition(entity, alias, filter)
  const owner = owners[at]!
  const name = `s${at}`
  const same = step.fields.map((field, place) => `${name}.${nameOf(owner, step.references[place]!)} = ${alias}.${nameOf(entity, field)}`)
  const all = [...same, liveCondition(owner, name, filter, owners, at + 1)]
  return `EXISTS (SELECT 1 FROM ${quoteTable(owner.schema, owner.table)} AS ${name} WHERE ${all.join(' AND ')})`
}

const columnOf = ({ columns }: MysqlEntity, path: string): MysqlColumn => columns.find((column) => column.path === path)!
const nameOf = (entity: MysqlEntity, path: string): string => quoteIdent(columnOf(entity, path).column)

/**
 * Exactly the bytes of the scope as UTF-8: collations that take other texts for equal, or pass over spaces at the end, let no other tenant in. A plain comparison stands beside it,
 * for an index on the column.
 */
function tenantCondition(entity: MysqlEntity, alias: string, filter: ScopeFilter): string {
  const column = columnOf(entity, filter.field)
  const { value } = filter
  const field = `${alias}.${quoteIdent(column.column)}`
  if (column.type.kind === 'int' || column.type.kind === 'bigint') {
    if (column.typeName === 'bit' || column.typeName === 'year') throw unfitTenantColumn(entity.descriptor.name, filter, column.fullType)
    if (!isWholeNumber(value)) throw unfitScope(entity.descriptor.name, filter, column.fullType)
    return `${field} = ${value}`
  }
  if (column.type.kind !== 'text') throw unfitTenantColumn(entity.descriptor.name, filter, column.fullType)
  const exact = `CAST(CONVERT(${field} USING utf8mb4) AS BINARY) = ${quoteBytes(Buffer.from(value))}`
  if (column.typeName === 'uuid') {
    if (!isUuidText(value)) throw unfitScope(entity.descriptor.name, filter, column.fullType)
    return `(${field} = '${value}' AND ${exact})`
  }
  const plain = column.typeName === 'char' || column.typeName === 'varchar'
  return plain ? `(${field} = ${keyLiterals([column], JSON.stringify([value]))[0]} AND ${exact})` : `(${exact})`
}

/** ` AND …` for the rows of the tenant; nothing where all rows are wanted. */
export function andScope({ scope }: Pick<MysqlEntity, 'scope'>): string {
  return scope ? ` AND ${scope.condition}` : ''
}

/** The entities and those by which their rows belong to a tenant, each once. */
export function withOwnerEntities(entities: readonly MysqlEntity[]): readonly MysqlEntity[] {
  const all = [...entities, ...entities.flatMap(({ scope }) => scope?.owners ?? [])]
  return [...new Map(all.map((entity) => [entity.descriptor.name, entity])).values()]
}
