import type * as core from '@mikro-orm/core'
import type * as decorators from '@mikro-orm/decorators/legacy'
import type { SqlMikroORM } from '@mikro-orm/sql'
import type libsql from 'libsql'
import type { TestDialect } from '../declared-tables.ts'

/** One major of MikroORM, in the types of 7. What the tests declare, both know. */
export interface MikroOrmModules {
  readonly name: 'MikroORM 6' | 'MikroORM 7'
  readonly core: typeof core
  readonly decorators: typeof decorators
  /** `location` is a URL, a path of a SQLite file, or `:memory:`. Connected. */
  open(dialect: TestDialect, location: string, options: MikroOrmOptions): Promise<SqlMikroORM>
  /** Not connected; SQLite in memory. */
  openLazily(options: MikroOrmOptions): SqlMikroORM
  /** Only who runs migrations needs the package. */
  migrations(): Promise<MikroOrmMigrations>
  /** The connection of an instance in memory, which lives in no other. */
  sqliteHandle(orm: SqlMikroORM): Promise<libsql.Database>
  createTables(orm: SqlMikroORM): Promise<void>
  /** 6 keeps what decorators say by the class's name and file, where 7 keeps it by the class. Before classes are declared once more. */
  forgetClasses(): void
  /** For `@Formula`: SQL over the column of a property that is called like it. */
  formula(sql: (column: string) => string, property: string): Parameters<typeof decorators.Formula>[0]
}

export interface MikroOrmMigrations {
  readonly Migrator: never
  readonly Migration: new (...of: never[]) => { addSql(sql: string): void }
}

export type MikroOrmOptions = NonNullable<ConstructorParameters<typeof SqlMikroORM>[0]>
