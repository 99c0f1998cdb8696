import type { EntityEstimate } from '../../../src/contracts/consistent-view.ts'
import type { MysqlEntity } from './catalog.ts'
import type { MysqlClient } from './connections.ts'
import { fromSql } from './key-sql.ts'
import { andScope } from './scope-sql.ts'
import { queryText } from './query.ts'
import { quoteLiteral } from './quote.ts'

/** Up to so many bytes of rows they are counted. */
const COUNTED_BYTES = 16 * 1024 * 1024

/** Rows and bytes (without secondary indexes) of a table: counted where that is cheap, else as the storage engine estimates them. */
export async function estimateEntity(client: MysqlClient, mapped: MysqlEntity): Promise<EntityEstimate> {
  const { descriptor, schema, table } = mapped
  const entity = descriptor.name
  const [size] = await queryText(
    client,
    `estimating ${entity}`,
    `SELECT COALESCE(TABLE_ROWS, 0) AS n, COALESCE(DATA_LENGTH, 0) AS bytes FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ${quoteLiteral(schema)} AND TABLE_NAME = ${quoteLiteral(table)}`,
  )
  const bytes = Number(size?.bytes ?? 0)
  if (bytes > COUNTED_BYTES) return { entity, rows: Number(size?.n ?? 0), bytes }
  const [count] = await queryText(client, `counting ${entity}`, `SELECT COUNT(*) AS n ${fromSql(mapped)} WHERE TRUE${andScope(mapped)}`)
  return { entity, rows: Number(count?.n ?? 0), bytes }
}
