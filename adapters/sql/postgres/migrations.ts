import type { PostgresClient } from './connections.ts'
import { readRelations } from './catalog-facts.ts'
import { queryText } from './query.ts'
import { quoteIdent, quoteTable } from './quote.ts'

/** Where an ORM keeps the names of the migrations it has applied. TypeORM: `migrations`; MikroORM: `mikro_orm_migrations`. */
export interface MigrationTable {
  /** Default: found along the search path. */
  readonly schema?: string | undefined
  readonly table: string
  /** Default `name`. */
  readonly nameColumn?: string
  /** Default `id`. */
  readonly orderColumn?: string
}

/** Names of applied migrations, oldest first; none when the table is not there, as in an application that synchronizes its schema. */
export async function readMigrations(
  client: PostgresClient,
  migrations: MigrationTable | undefined,
  searchPath: readonly string[],
): Promise<readonly string[]> {
  if (!migrations) return []
  const [found] = await readRelations(client, [migrations], searchPath)
  if (!found) return []
  const { nameColumn = 'name', orderColumn = 'id' } = migrations
  const rows = await queryText(
    client,
    'reading the applied migrations',
    `SELECT t.${quoteIdent(nameColumn)} AS name FROM ${quoteTable(found.schema, found.table)} AS t ORDER BY t.${quoteIdent(orderColumn)}`,
  )
  return rows.flatMap(({ name }) => (name === null || name === undefined ? [] : [name]))
}
