import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { mysqlDialect } from './sql-mysql.ts'
import { postgresDialect } from './sql-postgres.ts'
import { sqliteDialect } from './sql-sqlite.ts'

/** How the statements of a script are written. */
export interface SqlDialect {
  /** Before everything: settings under which the literals mean what they should, and the beginning of the transaction. `deferred`: references are checked at its end where that is possible. */
  begin(deferred: boolean): string
  readonly commit: string
  quoteName(name: string): string
  tableName(entity: EntityDescriptor): string
  /** Between the columns and VALUES. */
  overriding(entity: EntityDescriptor): string
  /** The literal of a JSON token that is not null. One function a column, chosen once. */
  literal(field: FieldDescriptor): (token: string) => string
  /** After the rows: what gives new keys goes on behind them. Empty where the database sees to it. */
  advance(entity: EntityDescriptor, field: FieldDescriptor, lastValue: string | null): string
}

const DIALECTS: Readonly<Record<string, SqlDialect>> = { postgres: postgresDialect, mysql: mysqlDialect, sqlite: sqliteDialect }

/** @throws `E_DIALECT` */
export function sqlDialect(name: string): SqlDialect {
  const dialect = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined
  if (dialect) return dialect
  throw new HoldfastError('E_DIALECT', `no script can be written for ${JSON.stringify(name)}`)
}
