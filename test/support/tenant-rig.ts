import pg from 'pg'
import { memoryStorage } from '../../adapters/memory/index.ts'
import type { EntityStore, StorageAdapter } from '../../src/contracts/index.ts'
import { createHoldfast, type Holdfast, type HoldfastOptions } from '../../src/holdfast.ts'
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import { openMikroOrmTenants } from '../fixtures/tenants/mikro-orm-tenants.ts'
import { tenantPlan, tenantShop } from '../fixtures/tenants/tenant-shop.ts'
import { openTypeormTenants } from '../fixtures/tenants/typeorm-tenants.ts'
import { createLiveDatabase, type LiveDatabase } from './end-to-end/live-database.ts'
import { mikroOrm7 } from './mikro-orm/mikro-orm-7.ts'
import { settle } from './postgres.ts'

/** Every database with every ORM. */
export const TENANT_PLACES = (['postgres', 'sqlite', 'mysql'] as const).flatMap((dialect) =>
  (['TypeORM', 'MikroORM'] as const).map((orm) => ({ dialect, orm })),
)

/** The shop of all tenants, with nothing backed up yet. */
export interface TenantRig {
  readonly holdfast: Holdfast
  readonly database: LiveDatabase
  readonly store: EntityStore
  readonly storage: StorageAdapter
  backUp(scope: string): Promise<string>
  /** Another one over the same storage and tables. */
  again(more: Partial<HoldfastOptions>): Promise<Holdfast>
  /** What is still under way elsewhere on the server would make rows look younger than they are. */
  settled(): Promise<void>
  close(): Promise<void>
}

export async function openTenantRig(
  { dialect, orm }: { readonly dialect: ChinookDialect; readonly orm: 'TypeORM' | 'MikroORM' },
  more: Partial<HoldfastOptions> = {},
): Promise<TenantRig> {
  const database = await createLiveDatabase(dialect)
  await database.carelessly(...tenantShop(dialect))
  const opened = await (orm === 'TypeORM' ? openTypeormTenants : openMikroOrmTenants(mikroOrm7))(dialect, database.location)
  const storage = memoryStorage()
  const again = (other: Partial<HoldfastOptions>) => createHoldfast({ stores: [opened.store], storage, plans: [tenantPlan(opened.store)], ...more, ...other })
  const holdfast = await again({})
  return {
    holdfast,
    database,
    store: opened.store,
    storage,
    again,
    backUp: async (scope) => (await holdfast.backups.run('shop', { scope, kind: 'full' })).snapshotId,
    async settled() {
      if (dialect !== 'postgres') return
      const client = new pg.Client({ connectionString: database.location })
      await client.connect()
      await settle({ query: async (sql: string) => (await client.query(sql)).rows }).finally(() => client.end())
    },
    async close() {
      await holdfast.close()
      await opened.close()
      await database.drop()
    },
  }
}
