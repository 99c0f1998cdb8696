import type { ModelDatabase } from './model-database.ts'
import type { Prng } from './prng.ts'
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
    default:
      throw new Error(`there is no model of ${dialect}`)
  }
}
