import { databaseError } from './database-error.ts'
import type { PostgresClient } from './connections.ts'

/** A row as PostgreSQL prints it: every value its output text, or null. */
export type TextRow = Readonly<Record<string, string | null>>

/** The application's own type parsers (`pg.types.setTypeParser`) never see our queries. */
const TEXT_TYPES = { getTypeParser: () => (value: string) => value }

/** Longest delay a timer takes. The application's `query_timeout` is for its own queries; the server's time limits are lifted by `pinSettings`. */
const NO_TIMEOUT = 2 ** 31 - 1

interface TextResult {
  readonly rows: readonly TextRow[]
  readonly rowCount: number | null
}

interface TextQuery {
  readonly text: string
  readonly values?: readonly (string | number | null)[]
  readonly types: typeof TEXT_TYPES
  readonly query_timeout: number
}

type QueryText = (query: TextQuery) => Promise<TextResult | readonly TextResult[]>

/**
 * Runs SQL and returns the rows of its last statement, values as text. Several statements in one string are one round trip, without `values`.
 *
 * @param doing What is being done, for the error: `reading the catalog`.
 * @throws The typed form of what the database said (`databaseError`).
 */
export async function queryText(client: PostgresClient, doing: string, sql: string, values?: readonly (string | number | null)[]): Promise<readonly TextRow[]> {
  return (await results(client, doing, sql, values)).at(-1)!.rows
}

/**
 * Asks several things in one round trip. Each question is statements of which the last one's rows are the answer; each string is one statement.
 *
 * @returns The answers, in the order of the questions.
 * @throws As `queryText`; the first that fails ends all.
 */
export async function queryAll(client: PostgresClient, doing: string, questions: readonly (readonly string[])[]): Promise<readonly (readonly TextRow[])[]> {
  if (questions.length === 0) return []
  const answers = await results(client, doing, questions.flat().join(';\n'))
  let last = -1
  return questions.map((statements) => answers[(last += statements.length)]!.rows)
}

async function results(client: PostgresClient, doing: string, sql: string, values?: readonly (string | number | null)[]): Promise<readonly TextResult[]> {
  try {
    const run = client.query.bind(client) as unknown as QueryText
    const result = await run({ text: sql, ...(values ? { values } : {}), types: TEXT_TYPES, query_timeout: NO_TIMEOUT })
    return Array.isArray(result) ? (result as readonly TextResult[]) : [result as TextResult]
  } catch (error) {
    throw databaseError(doing, error)
  }
}

/** The JSON text of the column `json` of the only row. How nested facts leave the catalog in one round trip. */
export async function queryJson<T>(client: PostgresClient, doing: string, sql: string, values?: readonly (string | number | null)[]): Promise<T> {
  const [row] = await queryText(client, doing, sql, values)
  return JSON.parse(row?.json ?? 'null') as T
}
