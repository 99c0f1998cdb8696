import { oidArray } from './catalog-facts.ts'
import type { PostgresEntity } from './catalog.ts'
import { quoteLiteral, quoteTable } from './quote.ts'

/**
 * `FROM … AS t WHERE …` for all rows of the entity: of its table and of those below it when the view was opened. Which tables stand below another is in no
 * snapshot, and no lock that a reader may take keeps `ATTACH PARTITION` and `INHERIT` out: their rows would show in whatever is read after them.
 *
 * @param sample a TABLESAMPLE clause
 */
export function fromRows({ schema, table, oid, members }: PostgresEntity, sample = ''): string {
  const alone = members.length === 1 && members[0] === oid
  return `FROM ${alone ? 'ONLY ' : ''}${quoteTable(schema, table)} AS t${sample} WHERE ${alone ? 'TRUE' : `t.tableoid = ANY (${quoteLiteral(oidArray(members))}::oid[])`}`
}
