import { memoryStorage } from '../../adapters/memory/index.ts'
import { compareLive, compareSnapshots, type Comparison, type OpenSnapshot, type RecordDifference } from '../../src/compare/index.ts'
import type { BackupPolicy } from '../../src/plan/backup-policy.ts'
import { backupRig, planOf } from './backup-rig.ts'
import type { InMemoryStore } from './in-memory-store.ts'
import { meteredStorage } from './metered-storage.ts'

/** Snapshots of an in-memory store, and the comparisons over them, with every read of the storage counted. */
export function compareRig(store: InMemoryStore, policy: Partial<BackupPolicy> = { chunkBytes: 1024 }) {
  const meter = meteredStorage(memoryStorage())
  const rig = backupRig({ stores: [store], plan: planOf([store], { policy }), storage: meter.storage })
  const open = async (id: string): Promise<OpenSnapshot> => ({
    manifest: await rig.manifest(id),
    chunks: async (bucket) => (await rig.open(bucket)).scope().chunks,
  })
  return {
    ...rig,
    meter,
    openSnapshot: open,
    take: async (kind: 'full' | 'incremental'): Promise<string> => (await (await rig.start(meter.storage, { kind, series: 'shop' })).result()).snapshotId,
    compare: async (before: string, after: string, entities?: readonly string[]): Promise<Comparison> =>
      compareSnapshots({ before: await open(before), after: await open(after), entities }),
    compareLive: async (before: string, entities?: readonly string[]): Promise<Comparison> =>
      compareLive({ snapshot: await open(before), stores: new Map([[store.name, store]]), entities }),
  }
}

export async function collect(comparison: AsyncIterable<RecordDifference>): Promise<RecordDifference[]> {
  const found: RecordDifference[] = []
  for await (const difference of comparison) found.push(difference)
  return found
}

/** `Entity [key] change` of each, sorted. */
export function brief(differences: readonly RecordDifference[]): string[] {
  return differences.map(({ entity, key, change }) => `${entity} ${key} ${change}`).sort()
}
