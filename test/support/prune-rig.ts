import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository, type Repository } from '../../src/archive/index.ts'
import { prune, type PruneOptions, type PruneReport } from '../../src/catalog/index.ts'
import { silentLogger, type StorageAdapter } from '../../src/contracts/index.ts'
import type { BackupKind, StartBackupOptions } from '../../src/export/index.ts'
import { backupRig, planOf } from './backup-rig.ts'
import { clockedStorage, movableClock } from './clocked-storage.ts'
import { collect } from './collect.ts'
import { shopStore } from './shop-store.ts'

export const HOUR = 60 * 60 * 1000
export const DAY = 24 * HOUR

export interface PruneRigOptions {
  readonly orders?: number
  readonly base?: StorageAdapter
  readonly buckets?: Readonly<Record<string, string>>
}

/** A shop whose backups, deletes and prunes all live by one clock that the test moves. */
export function pruneRig({ orders = 120, base = memoryStorage(), buckets }: PruneRigOptions = {}) {
  const clock = movableClock()
  const storage = clockedStorage(base, clock)
  const store = shopStore(orders)
  const plan = planOf([store], { policy: { chunkBytes: 500, concurrency: 3 }, ...(buckets ? { buckets } : {}) })
  const rig = backupRig({ stores: [store], plan, storage })
  const places = [...new Set(['main', ...plan.entities.map(({ bucket }) => bucket)])]
  const open = (bucket: string, over: StorageAdapter = storage): Promise<Repository> => openRepository({ storage: over, prefix: `${bucket}/`, create: true })
  const scope = async (bucket = 'main') => (await open(bucket)).scope()
  return {
    clock,
    store,
    rig,
    base,
    storage,
    scope,
    start: (options: Partial<StartBackupOptions> = {}, over?: StorageAdapter) => rig.start(over, { clock, ...options }),
    backUp: async (kind: BackupKind = 'full'): Promise<string> => {
      clock.move(1000)
      return (await (await rig.start(undefined, { clock, kind })).result()).snapshotId
    },
    hide: async (...ids: readonly string[]) => {
      for (const id of ids) await (await scope()).hide(id, 'a test')
    },
    prune: async (options: PruneOptions = {}, over: StorageAdapter = storage, buckets: readonly string[] = places): Promise<PruneReport> => {
      const opened = []
      for (const bucket of buckets) opened.push({ bucket, repository: await open(bucket, over) })
      return prune({ places: opened, clock, logger: silentLogger }, options)
    },
    /** All objects below a folder of the scope. */
    objects: async (folder = '', bucket = 'main') =>
      (await collect(storage.list(`${bucket}/s/-/${folder}`))).map(({ key }) => key.slice(`${bucket}/s/-/`.length)),
    chunksOf: async (id: string): Promise<Set<string>> => {
      const manifest = await (await scope()).readManifest(id, { evenHidden: true })
      return new Set(manifest.entities.flatMap(({ ranges }) => ranges.flatMap(({ layers }) => layers.map(({ name }) => name))))
    },
    /** What `verify` at the level `plain` finds wrong in each visible snapshot. */
    faults: async (): Promise<string[]> => {
      const faults: string[] = []
      for (const id of await rig.snapshots()) {
        const manifest = await rig.manifest(id)
        for (const { bucket, ranges } of manifest.entities) {
          const { chunks } = await scope(bucket)
          for (const ref of ranges.flatMap(({ layers }) => layers))
            await chunks.verify(ref, { level: 'plain' }).catch((error: unknown) => void faults.push(`${id}: ${String(error)}`))
        }
      }
      return faults
    },
  }
}

export type PruneRig = ReturnType<typeof pruneRig>
