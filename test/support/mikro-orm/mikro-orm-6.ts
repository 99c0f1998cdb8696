import { createRequire } from 'node:module'
import type { SqlMikroORM } from '@mikro-orm/sql'
import type libsql from 'libsql'
import type { KnexConnection } from '../../../adapters/mikro-orm/knex-client.ts'
import type { MikroOrmMigrations, MikroOrmModules } from './mikro-orm-modules.ts'

// Its packages know each other by the names that 7 has here, so they are installed below a package of their own.
const load = createRequire(createRequire(import.meta.url).resolve('mikro-orm-6/package.json'))

interface MikroOrm6 {
  /** `init` refuses to run where package.json names packages of another version; this one does not look. */
  initSync(options: object): SqlMikroORM
}
export const mikroOrm6Of = (driver: string) => (load(`@mikro-orm/${driver}`) as { readonly MikroORM: MikroOrm6 }).MikroORM
// That for MariaDB has connections of a package that Holdfast does not serve.
const DRIVERS = { postgres: mikroOrm6Of('postgresql'), mysql: mikroOrm6Of('mysql'), sqlite: mikroOrm6Of('libsql') }

const core = load('@mikro-orm/core') as MikroOrmModules['core'] & { readonly MetadataStorage: { clear(): void } }

export const mikroOrm6: MikroOrmModules = {
  name: 'MikroORM 6',
  core,
  decorators: core as never,
  async open(dialect, location, options) {
    const orm = DRIVERS[dialect].initSync({ ...options, ...(dialect === 'sqlite' ? { dbName: location } : { clientUrl: location }) })
    await orm.connect()
    return orm
  },
  openLazily: (options) => DRIVERS.sqlite.initSync({ dbName: ':memory:', ...options }),
  migrations: async () => load('@mikro-orm/migrations') as MikroOrmMigrations,
  async sqliteHandle(orm) {
    const { client } = (orm.em.getConnection() as unknown as KnexConnection).getKnex()
    const handle = await client.acquireConnection()
    await client.releaseConnection(handle)
    return handle as libsql.Database
  },
  createTables: (orm) => (orm.schema as unknown as { createSchema(): Promise<void> }).createSchema(),
  forgetClasses: () => core.MetadataStorage.clear(),
  formula: (sql, property) => ((alias: string) => sql(`${alias}.${property}`)) as never,
}
