import { oidArraySql } from './catalog-facts.ts'
import type { PostgresEntity } from './catalog.ts'
import { quoteTable } from './quote.ts'

/**
 * `FROM … AS t WHERE …` for all rows of the entity: of its table and of those below it when the view was opened, and of its tenant where it has a scope. Which tables stand below
 * another is in no snapshot, and no lock that a reader may take keeps `ATTACH PARTITION` and `INHERIT` out: their rows would show in whatever is read after them.
 *
 * @param sample a TABLESAMPLE clause
 */
export function fromRows(entity: PostgresEntity, sample = ''): string {
  const { schema, table, scope } = entity
  const { only, condition } = onlyMembers(entity, 't')
  return `FROM ${only}${quoteTable(schema, table)} AS t${sample}${scope?.joins ?? ''} WHERE ${condition ?? 'TRUE'}${scope ? ` AND ${scope.condition}` : ''}`
}

/** What keeps other tables out of those that the entity is made of. */
export function onlyMembers({ oid, members }: PostgresEntity, alias: string): { readonly only: string; readonly condition: string | null } {
  const alone = members.length === 1 && members[0] === oid
  return alone ? { only: 'ONLY ', condition: null } : { only: '', condition: `${alias}.tableoid = ANY (${oidArraySql(members)})` }
}

/** All rows that make up one of the entity: that of its own table, and those by which it belongs to its tenant. */
export function rowAliases({ scope }: Pick<PostgresEntity, 'scope'>): readonly string[] {
  return ['t', ...(scope?.aliases ?? [])]
}

/** The entities and those by which their rows belong to a tenant, each once. */
export function withOwnerEntities(entities: readonly PostgresEntity[]): readonly PostgresEntity[] {
  return [...new Map([...entities, ...entities.flatMap(({ scope }) => scope?.owners ?? [])].map((entity) => [entity.oid, entity])).values()]
}
