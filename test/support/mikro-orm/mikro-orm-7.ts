import * as core from '@mikro-orm/core'
import * as decorators from '@mikro-orm/decorators/legacy'
import { MikroORM as LibsqlMikroORM } from '@mikro-orm/libsql'
import { MikroORM as MariadbMikroORM } from '@mikro-orm/mariadb'
import { MikroORM as PostgresMikroORM } from '@mikro-orm/postgresql'
import type libsql from 'libsql'
import type { MikroOrmMigrations, MikroOrmModules } from './mikro-orm-modules.ts'

// By a name that the compiler does not follow: its types are not those of the other packages.
const MIGRATIONS: string = '@mikro-orm/migrations'
const DRIVERS = { postgres: PostgresMikroORM, mysql: MariadbMikroORM, sqlite: LibsqlMikroORM }

export const mikroOrm7: MikroOrmModules = {
  name: 'MikroORM 7',
  core,
  decorators,
  async open(dialect, location, options) {
    const where = dialect === 'sqlite' ? { dbName: location } : { clientUrl: location }
    return DRIVERS[dialect].init({ ...options, ...where } as never)
  },
  openLazily: (options) => new LibsqlMikroORM({ dbName: ':memory:', ...options } as never),
  migrations: async () => (await import(MIGRATIONS)) as MikroOrmMigrations,
  sqliteHandle: (orm) => (orm.em.getConnection() as unknown as { getNativeClient(): Promise<libsql.Database> }).getNativeClient(),
  createTables: (orm) => orm.schema.create(),
  forgetClasses() {},
  formula: (sql, property) => (columns) => sql(String((columns as Record<string, unknown>)[property])),
}
