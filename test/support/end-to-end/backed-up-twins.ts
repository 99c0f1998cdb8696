import { fsStorage } from '../../../adapters/fs/index.ts'
import type { EntityDescriptor } from '../../../src/contracts/index.ts'
import { createHoldfast, type Holdfast } from '../../../src/holdfast.ts'
import { BackupEntity, definePlan } from '../../../src/plan/index.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import type { LiveDatabase } from './live-database.ts'
import type { OpenedStore } from './orm-under-test.ts'

/** A database with rows, an empty one of the same schema, and one Holdfast over both. */
export interface BackedUpTwins {
  readonly source: LiveDatabase
  readonly twin: LiveDatabase
  readonly holdfast: Holdfast
  /** Of everything in the source. */
  readonly snapshot: string
  readonly entities: readonly EntityDescriptor[]
  /** Holdfast over the twin alone, under the name that the source had, on the same storage: the machine after the fire. */
  elsewhere(): Promise<Holdfast>
  close(): Promise<void>
}

export interface TwinsOptions {
  /** Makes the database, with its rows or without. */
  readonly create: (rows: boolean) => Promise<LiveDatabase>
  readonly open: (database: LiveDatabase, storeName: string) => Promise<OpenedStore>
}

export async function backedUpTwins({ create, open }: TwinsOptions): Promise<BackedUpTwins> {
  const folder = temporaryFolder()
  const closing: (() => Promise<unknown>)[] = [async () => folder.remove()]
  const opened = async (database: LiveDatabase, name: string) => {
    const { store, close } = await open(database, name)
    closing.unshift(close)
    return store
  }
  const [source, twin] = [await create(true), await create(false)]
  closing.unshift(
    () => source.drop(),
    () => twin.drop(),
  )
  const stores = [await opened(source, 'source'), await opened(twin, 'twin')]
  const names = stores[0]!.mapping.entities.map(({ name }) => name)
  const plan = definePlan({
    id: 'everything',
    description: 'All that the source has',
    entities: names.map((name) => BackupEntity.for(name, { store: 'source' })),
    policy: { chunkBytes: 64 * 1024, concurrency: 2 },
  })
  const holdfast = await createHoldfast({ stores, storage: fsStorage({ root: folder.path }), plans: [plan] })
  const { snapshotId } = await holdfast.backups.run('everything')
  return {
    source,
    twin,
    holdfast,
    snapshot: snapshotId,
    entities: await stores[0]!.describe(names.map((entity) => ({ entity }))),
    elsewhere: async () => createHoldfast({ stores: [await opened(twin, 'source')], storage: fsStorage({ root: folder.path }), plans: [plan] }),
    async close() {
      await holdfast.close()
      for (const close of closing) await close()
    },
  }
}
