import { readRelations } from './catalog-facts.ts'
import { queryText } from './query.ts'
import { quoteIdent, quoteTable } from './quote.ts'
import type { MysqlSession } from './session.ts'

/** Where an ORM keeps the names of the migrations it has applied. TypeORM: `migrations`; MikroORM: `mikro_orm_migrations`. */
export interface MigrationTable {
  /** A database. Default: the session's own. */
  readonly schema?: string | undefined
  readonly table: string
  /** Default `name`. */
  readonly nameColumn?: string
  /** Default `id`. */
  readonly orderColumn?: string
}

/** Names of applied migrations, oldest first; none when the table is not there, as in an application that synchronizes its schema. */
export async function readMigrations({ client, server }: MysqlSession, migrations: MigrationTable | undefined): Promise<readonly string[]> {
  if (!migrations) return []
  const { schema = server.database, table, nameColumn = 'name', orderColumn = 'id' } = migrations
  const found = (await readRelations(client, [{ schema, table }])).find((relation) => relation.table === table || server.foldsTableNames)
  if (!found) return []
  const rows = await queryText(
    client,
    'reading the applied migrations',
    `SELECT t.${quoteIdent(nameColumn)} AS name FROM ${quoteTable(found.schema, found.table)} AS t ORDER BY t.${quoteIdent(orderColumn)}`,
  )
  return rows.flatMap(({ name }) => name ?? [])
}
