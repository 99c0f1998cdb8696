import { randomBytes } from 'node:crypto'
import type { KeyRange } from '../../../src/contracts/key-range.ts'
import type { MysqlEntity } from './catalog.ts'
import type { MysqlClient } from './connections.ts'
import { fromSql, rangeCondition } from './key-sql.ts'
import { rowTextSql } from './line-sql.ts'
import { queryText } from './query.ts'

/** What the server says of the rows of a range. */
export interface RangeDigest {
  /** `1:<seed>:<rows>:<sum>:<sum>`; empty when some row is too long for the server to hash. */
  readonly digest: string
  readonly rows: number
}

const FORMAT = '1'
const SEED_BYTES = 8

/** The seed of a digest given earlier; null when it is none that can be compared. */
export function seedOf(digest: string): string | null {
  const [format, seed, ...rest] = digest.split(':')
  return format === FORMAT && seed !== undefined && /^[0-9a-f]{16}$/.test(seed) && rest.length === 3 ? seed : null
}

export const newSeed = (): string => randomBytes(SEED_BYTES).toString('hex')

/**
 * Has the server count the rows of the range and add up 128 bits of the SHA-1 of each, as two sums of 64. The seed stands between the values of each row, so
 * nobody can prepare rows that hash alike, nor values that look like two. The inner LIMIT, which limits nothing, keeps the hash from being made twice.
 */
export async function digestRange(client: MysqlClient, entity: MysqlEntity, range: KeyRange, seed: string): Promise<RangeDigest> {
  const half = (from: number) => `CAST(COALESCE(SUM(CAST(CONV(SUBSTR(h, ${from}, 16), 16, 10) AS UNSIGNED)), 0) AS CHAR)`
  const hash = `SELECT SHA1(${rowTextSql(entity, `'${seed}'`)}) AS h ${fromSql(entity)} WHERE ${rangeCondition(entity.key, range)} LIMIT 18446744073709551615`
  const sql = `SELECT COUNT(*) AS n, COUNT(h) AS hashed, ${half(1)} AS a, ${half(17)} AS b FROM (${hash}) AS hashes`
  const [row] = await queryText(client, `digesting ${entity.descriptor.name}`, sql)
  const rows = Number(row?.n)
  return { digest: row?.hashed === row?.n ? `${FORMAT}:${seed}:${rows}:${row?.a}:${row?.b}` : '', rows }
}
