import type { MysqlClient, MysqlField } from './connections.ts'
import { databaseError } from './database-error.ts'

/** A row as the server prints it: every value its text, or null. Keys are the names or aliases of the select list. */
export type TextRow = Readonly<Record<string, string | null>>

/** Past the application's own `typeCast`, `dateStrings`, `supportBigNumbers` and the like: they never see our queries. */
const asText = (field: MysqlField): string | null => field.buffer()?.toString('utf8') ?? null

/**
 * Runs one statement and returns its rows, values as text (`openSession` pins results to utf8mb4). Name every column of the select list by an alias:
 * MySQL and MariaDB disagree on the case of those of `information_schema`.
 *
 * @param doing What is being done, for the error: `reading the catalog`.
 * @throws The typed form of what the database said (`databaseError`).
 */
export async function queryText(client: MysqlClient, doing: string, sql: string): Promise<readonly TextRow[]> {
  const { rows, names } = await run(client, doing, sql)
  if (!Array.isArray(rows)) return []
  return (rows as (string | null)[][]).map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])))
}

/** Runs a statement that changes something. The rows it changed; for `INSERT … ON DUPLICATE KEY UPDATE` as the server counts them. */
export async function execute(client: MysqlClient, doing: string, sql: string): Promise<number> {
  const { rows } = await run(client, doing, sql)
  const header = rows as { readonly affectedRows?: number } | undefined
  return header?.affectedRows ?? 0
}

function run(client: MysqlClient, doing: string, sql: string): Promise<{ readonly rows: unknown; readonly names: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, rows: unknown, fields: unknown): void => {
      if (error) return reject(databaseError(doing, error))
      resolve({ rows, names: Array.isArray(fields) ? fields.map(({ name }: { name: string }) => name) : [] })
    }
    try {
      client.query({ sql, rowsAsArray: true, nestTables: false, namedPlaceholders: false, typeCast: asText }, done)
    } catch (error) {
      reject(databaseError(doing, error))
    }
  })
}
