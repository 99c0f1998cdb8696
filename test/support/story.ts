import { join } from 'node:path'
import { fsStorage } from '../../adapters/fs/index.ts'
import { createHoldfast, definePlan, type Holdfast, type HoldfastOptions } from '../../src/index.ts'
import type { EntityReference } from '../../src/plan/entity-reference.ts'
import type { StorageAdapter } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { openMikroOrmStory } from '../fixtures/stories/story-mikro-orm.ts'
import { storyRows, storyTables, type StoryDialect } from '../fixtures/stories/story-tables.ts'
import { openTypeormStory } from '../fixtures/stories/story-typeorm.ts'
import { meteredStorage, type MeteredStorage } from './metered-storage.ts'
import { mikroOrm7 } from './mikro-orm/mikro-orm-7.ts'
import type { MikroOrmModules } from './mikro-orm/mikro-orm-modules.ts'
import { openPlainDatabase } from './plain-database.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface StoryPlace {
  readonly dialect: StoryDialect
  readonly orm: 'TypeORM' | 'MikroORM' | 'MikroORM 6'
}

const placesOf = <Orm extends StoryPlace['orm']>(...orms: readonly Orm[]) =>
  (['postgres', 'mysql', 'sqlite'] as const).flatMap((dialect) => orms.map((orm) => ({ dialect, orm })))

/** Every database with every ORM: what the stories are told about. */
export const STORY_PLACES = placesOf('TypeORM', 'MikroORM')

/** With the majors that an ORM has beside: for the stories in which it matters what it knows of references. */
export const STORY_PLACES_OF_MAJORS = placesOf('TypeORM', 'MikroORM', 'MikroORM 6')

/** A shop with a backup, and hands on its tables past any ORM. */
export interface Story {
  readonly holdfast: Holdfast
  readonly snapshot: string
  readonly meter: MeteredStorage
  /** Where the database is, and the folder of the backups. */
  readonly location: string
  readonly root: string
  /** The ORM's own declaration of an entity. */
  entity(name: string): EntityReference
  /** Takes another snapshot. */
  backup(): Promise<string>
  run(sql: string): Promise<void>
  rows(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Every row of every table, as text. */
  image(): Promise<Readonly<Record<string, readonly string[]>>>
  close(): Promise<void>
}

/** Loaded by those who tell of it. */
async function modulesOf(orm: 'MikroORM' | 'MikroORM 6'): Promise<MikroOrmModules> {
  return orm === 'MikroORM 6' ? (await import('./mikro-orm/mikro-orm-6.ts')).mikroOrm6 : mikroOrm7
}

const TABLES = ['customer', 'orders', 'order_line', 'tag', 'order_tag', 'department', 'employee']

export async function openStory(
  { dialect, orm }: StoryPlace,
  more: Partial<HoldfastOptions> = {},
  /** Objects that the storage does not take. */
  refuse: (key: string) => boolean = () => false,
): Promise<Story> {
  const folder = temporaryFolder()
  const database = await openPlainDatabase(dialect, folder.path)
  await database.run(storyTables(dialect))
  await database.run(storyRows())
  const { store, entities, close } =
    orm === 'TypeORM' ? await openTypeormStory(dialect, database.location) : await openMikroOrmStory(await modulesOf(orm), dialect, database.location)
  const meter = meteredStorage(fsStorage({ root: join(folder.path, 'backups') }))
  const storage: StorageAdapter = {
    ...meter.storage,
    put: (key, body, options) =>
      refuse(key) ? Promise.reject(new HoldfastError('E_STORAGE', `${key} was refused by the test`)) : meter.storage.put(key, body, options),
  }
  const plan = definePlan({ id: 'shop', description: 'd', entities, policy: { chunkBytes: 64 * 1024 } })
  const holdfast = await createHoldfast({ stores: [store], storage, plans: [plan], ...more })
  const backup = async () => (await holdfast.backups.run('shop', { kind: 'full' })).snapshotId
  return {
    holdfast,
    snapshot: await backup(),
    meter,
    location: database.location,
    root: join(folder.path, 'backups'),
    entity: (name) =>
      (entities as { name?: string; options?: { name: string }; meta?: { className: string } }[]).find((each) => nameOf(each) === name) as EntityReference,
    backup,
    run: database.run,
    rows: database.rows,
    async image() {
      const image: Record<string, readonly string[]> = {}
      for (const table of TABLES) image[table] = (await database.rows(`SELECT * FROM ${table}`)).map((row) => JSON.stringify(row)).sort()
      return image
    },
    async close() {
      await holdfast.close()
      await close()
      await database.drop()
      folder.remove()
    },
  }
}

function nameOf(entity: { name?: string; options?: { name: string }; meta?: { className: string } }): string | undefined {
  return entity.options?.name ?? entity.meta?.className ?? entity.name
}
