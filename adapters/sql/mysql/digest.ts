import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { MysqlEntity } from './catalog.ts'
import type { MysqlClient } from './connections.ts'
import { digestText, NO_TEXT_SHA256 } from './digest-form.ts'
import { fromSql, keyOrderSql, rangeCondition } from './key-sql.ts'
import { queryText } from './query.ts'
import { rowTextSql, valuesSql } from './row-sql.ts'
import { andScope } from './scope-sql.ts'

/** What the server says of the rows of a range. */
export interface RangeDigest {
  /** As `digestText` has it; empty when the text of some row, or of all of them, is too long for the server to put together. */
  readonly digest: string
  readonly rows: number
}

/**
 * Has the server hash the texts of the rows of the range. It warns of each text that it could not make or had to cut short; that such a text is another one each
 * time is a second lock on that door.
 */
export async function digestRange(client: MysqlClient, entity: MysqlEntity, range: KeyRange, seed: string): Promise<RangeDigest> {
  const doing = `digesting ${entity.descriptor.name}`
  const order = entity.scansInOrder && !entity.scope ? '' : `ORDER BY ${keyOrderSql(entity.key)} `
  const texts = `GROUP_CONCAT(COALESCE(${rowTextSql(entity, `x'${seed}'`)}, RAND()) ${order}SEPARATOR '')`
  const rows = `SELECT COUNT(*) AS n, ${valuesSql(entity)} AS v, ${texts} AS texts ${fromSql(entity)} WHERE ${rangeCondition(entity.key, range)}${andScope(entity)}`
  const [row] = await queryText(client, doing, `SELECT n, v, SHA2(texts, 256) AS sha256 FROM (${rows}) AS gathered`)
  const [said] = await queryText(client, doing, 'SELECT @@warning_count AS warnings')
  const facts = { rows: Number(row?.n), values: Number(row?.v), sha256: row?.sha256 ?? NO_TEXT_SHA256 }
  return { digest: said?.warnings === '0' ? digestText(seed, facts) : '', rows: facts.rows }
}
