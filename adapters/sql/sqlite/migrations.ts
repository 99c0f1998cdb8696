import type { SqliteConnection } from './connection.ts'
import { quoteName } from './quote.ts'
import { columnOf, readTable } from './table-facts.ts'

/** Where an ORM keeps the names of the migrations it has applied. TypeORM: `migrations`; MikroORM: `mikro_orm_migrations`. */
export interface MigrationTable {
  readonly table: string
  /** Default `name`. */
  readonly nameColumn?: string
  /** Default `id`. */
  readonly orderColumn?: string
}

/** Names of applied migrations, oldest first; none when the table is not there, as in an application that synchronizes its schema. */
export function readMigrations(connection: SqliteConnection, migrations: MigrationTable | undefined): readonly string[] {
  if (!migrations) return []
  const { nameColumn = 'name', orderColumn = 'id' } = migrations
  const table = readTable(connection, migrations.table)
  if (!table || !columnOf(table, nameColumn) || !columnOf(table, orderColumn)) return []
  const rows = connection.rows(`SELECT CAST(${quoteName(nameColumn)} AS BLOB) FROM main.${quoteName(table.name)} ORDER BY ${quoteName(orderColumn)}`)
  return rows.flatMap(([name]) => (name instanceof Uint8Array ? Buffer.from(name).toString() : []))
}
