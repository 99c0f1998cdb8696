import type { EntitySelection } from '../../../src/contracts/entity-store.ts'
import type { ScopeFilter } from '../../../src/contracts/row-owner.ts'
import type { SqliteColumn, SqliteEntity } from './catalog.ts'
import { quoteName, quoteText } from './quote.ts'

/** The rows of one tenant. */
export interface SqliteScope {
  readonly filter: ScopeFilter
  /** True for rows of the tenant, of the entity's table under this alias. */
  condition(alias: string): string
}

/** Ties each entity that is selected with a filter to the tables that its filter needs, which are among `entities`. */
export function withScopes(entities: readonly SqliteEntity[], selection: readonly EntitySelection[]): readonly SqliteEntity[] {
  return entities.map((entity, at) => {
    const filter = selection[at]?.filter
    return filter ? { ...entity, scope: { filter, condition: (alias: string) => conditionOf(entity, filter, entities, alias) } } : entity
  })
}

function conditionOf(entity: SqliteEntity, filter: ScopeFilter, entities: readonly SqliteEntity[], alias: string): string {
  const follow = (at: number, last: SqliteEntity, name: string): string => {
    const step = filter.path[at]
    if (!step) return tenantCondition(columnOf(last, filter.field), name, filter)
    const owner = entities.find(({ descriptor }) => descriptor.name === step.entity)!
    const next = `s${at}`
    const same = step.fields.map((field, place) => `${next}.${nameOf(owner, step.references[place]!)} = ${name}.${nameOf(last, field)}`)
    return `EXISTS (SELECT 1 FROM main.${quoteName(owner.table.name)} AS ${next} WHERE ${same.join(' AND ')} AND ${follow(at + 1, owner, next)})`
  }
  return follow(0, entity, alias)
}

const columnOf = ({ columns }: SqliteEntity, path: string): SqliteColumn => columns.find((column) => column.path === path)!
const nameOf = (entity: SqliteEntity, path: string): string => quoteName(columnOf(entity, path).column)

/**
 * Exactly the bytes of the scope, stored as text or as a whole number: collations let no other tenant in. A plain comparison stands beside it, for an index on the column, unless
 * the column has no affinity: there a number and its text differ.
 */
function tenantCondition({ column, affinity }: SqliteColumn, alias: string, { value }: ScopeFilter): string {
  const field = `${alias}.${quoteName(column)}`
  const text = quoteText(value)
  const exact = `(typeof(${field}) IN ('text', 'integer') AND CAST(CAST(${field} AS TEXT) AS BLOB) = CAST(${text} AS BLOB))`
  return affinity === 'blob' ? exact : `(${field} = ${text} AND ${exact})`
}

/** The condition for the tenant's rows of the table under the alias; null where all rows are wanted. */
export function scopeCondition({ scope }: Pick<SqliteEntity, 'scope'>, alias = 't'): string | null {
  return scope?.condition(alias) ?? null
}
