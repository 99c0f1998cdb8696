import type { PostgresClient } from '../connections.ts'
import { databaseError } from '../database-error.ts'

type QueryCounted = (query: {
  readonly text: string
  readonly values?: readonly (string | number | null)[]
  readonly query_timeout: number
}) => Promise<{ readonly rowCount: number | null }>

/** Longest delay a timer takes: the application's `query_timeout` is for its own queries. */
const NO_TIMEOUT = 2 ** 31 - 1

/** Runs one statement and says how many rows it wrote. */
export async function runCounted(client: PostgresClient, doing: string, sql: string, values?: readonly (string | number | null)[]): Promise<number> {
  try {
    const run = client.query.bind(client) as unknown as QueryCounted
    const { rowCount } = await run({ text: sql, ...(values ? { values } : {}), query_timeout: NO_TIMEOUT })
    return rowCount ?? 0
  } catch (error) {
    throw databaseError(doing, error)
  }
}
