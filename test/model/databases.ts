import type { ModelDatabase } from './model-database.ts'
import type { Prng } from './prng.ts'
import { openMysqlModel } from './mysql-database.ts'
import { openPostgresModel } from './postgres-database.ts'
import { createSqliteModel } from './sqlite-database.ts'

/** Where the histories of one dialect happen. */
export interface ModelDatabases {
  create(rng: Prng): Promise<ModelDatabase>
  close(): Promise<void>
}

export async function openModelDatabases(dialect: string): Promise<ModelDatabases> {
  switch (dialect) {
    case 'sqlite':
      return { create: async (rng) => createSqliteModel(rng), close: async () => {} }
    case 'postgres': {
      const databases = await openPostgresModel()
      if (!databases) throw new Error('there are no binaries of PostgreSQL to run a server with')
      return databases
    }
    case 'mysql': {
      const databases = await openMysqlModel()
      if (!databases) throw new Error('there are no binaries of MariaDB to run a server with')
      return databases
    }
    default:
      throw new Error(`there is no model of ${dialect}`)
  }
}
