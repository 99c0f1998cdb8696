import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import type { MysqlEntity } from './catalog.ts'
import type { MysqlClient } from './connections.ts'
import { fromSql } from './key-sql.ts'
import { andScope } from './scope-sql.ts'
import { queryText } from './query.ts'
import { quoteIdent, quoteTable } from './quote.ts'

const EVERYTHING: readonly KeyRange[] = [{ from: null, to: null }]

/**
 * A single whole-number key is cut into intervals of equal width between the first and the last, which is two looks at the index. Other keys are left in one
 * range: finding where to cut them would mean stepping over all of them.
 */
export async function splitKeys(client: MysqlClient, entity: MysqlEntity, parts: number): Promise<readonly KeyRange[]> {
  const { descriptor, key } = entity
  const [only] = key
  const kind = only?.type.kind
  if (parts <= 1 || key.length !== 1 || (kind !== 'int' && kind !== 'bigint') || only?.typeName === 'bit') return EVERYTHING
  const column = `t.${quoteIdent(only!.column)}`
  const [ends] = await queryText(
    client,
    `splitting ${descriptor.name}`,
    `SELECT MIN(${column}) + 0 AS first, MAX(${column}) + 0 AS last ${entity.scope ? `${fromSql(entity)} WHERE TRUE${andScope(entity)}` : `FROM ${quoteTable(entity.schema, entity.table)} AS t`}`,
  )
  if (!ends?.first || !ends.last) return EVERYTHING
  const [first, last] = [BigInt(ends.first), BigInt(ends.last)]
  const width = last - first + 1n
  const count = width < BigInt(parts) ? width : BigInt(parts)
  const cuts: (KeyText | null)[] = [null]
  for (let part = 1n; part < count; part++) {
    const value = String(first + (width * part) / count)
    cuts.push(kind === 'bigint' ? `["${value}"]` : `[${value}]`)
  }
  return cuts.map((from, at) => ({ from, to: cuts[at + 1] ?? null }))
}
