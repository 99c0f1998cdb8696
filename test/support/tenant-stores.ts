import pg from 'pg'
import type { EntityStore, StorageAdapter } from '../../src/contracts/index.ts'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { createHoldfast, type Holdfast, type HoldfastOptions } from '../../src/holdfast.ts'
import { definePlan } from '../../src/plan/index.ts'
import type { ChinookDialect } from '../fixtures/chinook/chinook-names.ts'
import { openMikroOrmTenants } from '../fixtures/tenants/mikro-orm-tenants.ts'
import { tenantShop } from '../fixtures/tenants/tenant-shop.ts'
import { openTypeormTenants } from '../fixtures/tenants/typeorm-tenants.ts'
import { postgresImage } from './database-image.ts'
import { createLiveDatabase, type LiveDatabase } from './end-to-end/live-database.ts'
import { mikroOrm7 } from './mikro-orm/mikro-orm-7.ts'
import type { OpenedStore } from './end-to-end/orm-under-test.ts'
import { createTestDatabase } from './postgres.ts'

/** What a tenant has for itself. */
type Place = Pick<LiveDatabase, 'location' | 'image' | 'carelessly' | 'drop'>

/** A shop for each tenant, in a database of its own, and one that the plan is checked against. */
export interface TenantStores {
  readonly holdfast: Holdfast
  readonly storage: StorageAdapter
  readonly databases: Readonly<Record<'app' | 'acme' | 'globex', Place>>
  readonly stores: Readonly<Record<'app' | 'acme' | 'globex', EntityStore>>
  backUp(scope: string): Promise<string>
  again(more: Partial<HoldfastOptions>): Promise<Holdfast>
  close(): Promise<void>
}

const NAMES = ['app', 'acme', 'globex'] as const

export async function openTenantStores({
  dialect,
  orm,
  each,
}: {
  readonly dialect: ChinookDialect
  readonly orm: 'TypeORM' | 'MikroORM'
  readonly each: 'database' | 'schema'
}): Promise<TenantStores> {
  const databases = {} as Record<(typeof NAMES)[number], Place>
  const opened = {} as Record<(typeof NAMES)[number], OpenedStore>
  for (const name of NAMES) {
    databases[name] = each === 'database' ? await createLiveDatabase(dialect) : await schemaOf(databases.app, name)
    await databases[name].carelessly(...tenantShop(dialect))
    opened[name] = await (orm === 'TypeORM' ? openTypeormTenants : openMikroOrmTenants(mikroOrm7))(dialect, databases[name].location)
  }
  const junction = opened.app.store.mapping.entities.find(({ kind }) => kind === 'junction')!.name
  const storage = memoryStorage()
  const plan = definePlan({
    id: 'shop',
    description: 'A shop of a tenant',
    scope: {
      by: 'store',
      stores: (scope) => {
        if (scope === 'app') return [opened.app.store]
        return scope === 'acme' || scope === 'globex' ? [opened[scope].store] : []
      },
    },
    entities: ['Customer', 'Tag', 'Order', 'OrderLine', 'Country', junction],
    policy: { chunkBytes: 64 * 1024 },
  })
  const again = (more: Partial<HoldfastOptions>) => createHoldfast({ stores: [opened.app.store], storage, plans: [plan], ...more })
  const holdfast = await again({})
  return {
    holdfast,
    storage,
    databases,
    stores: { app: opened.app.store, acme: opened.acme.store, globex: opened.globex.store },
    again,
    backUp: async (scope) => (await holdfast.backups.run('shop', { scope, kind: 'full' })).snapshotId,
    async close() {
      await holdfast.close()
      for (const name of NAMES.toReversed()) {
        await opened[name].close()
        await databases[name].drop()
      }
    },
  }
}

/** A schema of one PostgreSQL database, which goes with the first of them. */
async function schemaOf(first: Place | undefined, name: string): Promise<Place> {
  const database = first ? null : await createTestDatabase()
  const url = new URL(first?.location ?? database!.url)
  url.searchParams.set('options', `-c search_path=${name}`)
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query(`CREATE SCHEMA ${name}`)
  return {
    location: url.href,
    async image() {
      const all = await postgresImage({ query: async <T>(sql: string) => (await client.query(sql)).rows as T[] })
      return Object.fromEntries(Object.entries(all).flatMap(([table, rows]) => (table.startsWith(`${name}.`) ? [[table.slice(name.length + 1), rows]] : [])))
    },
    carelessly: async (...statements) => {
      await client.query(['BEGIN', "SET LOCAL session_replication_role = 'replica'", ...statements, 'COMMIT'].join(';\n'))
    },
    async drop() {
      await client.end()
      await database?.drop()
    },
  }
}
