import { expect } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { type Manifest, openRepository } from '../../src/archive/index.ts'
import { prune } from '../../src/catalog/index.ts'
import { silentLogger, type StorageAdapter } from '../../src/contracts/index.ts'
import { NO_SCHEMA_CHANGES } from '../../src/evolution/schema-changes.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { BucketRepositories, createErasureService, type IErasureService } from '../../src/service/index.ts'
import { backupRig, manifestFaults, planOf } from './backup-rig.ts'
import type { InMemoryStore } from './in-memory-store.ts'
import { orderRow, SHOP_ENTITIES, shopStore } from './shop-store.ts'
import { storedLines } from './stored-lines.ts'

/** Keys of the erased: an order, and a line of an order, whose entity lies in a bucket of its own. */
export const SUBJECTS = [
  ['Order', 7],
  ['OrderLine', ['aa', 10]],
] as const
const MARK = 'SUBJECT'
export const BUCKETS = ['main', 'other'] as const
const PLACED = { OrderLine: 'other' }

/** Three snapshots: all rows, some changed, and the erased ones deleted beneath a layer. Their chunks lie in two buckets. */
export async function rewriteRig(base: StorageAdapter = memoryStorage()) {
  const store = shopStore(40, { batchRows: 8 })
  store.put('Order', orderRow(7, `${MARK} first`))
  store.put('OrderLine', { region: 'aa', no: 10, text: `${MARK} line` })
  const rig = rigOver(store, base)
  const ids: string[] = []
  const truths: Record<string, string>[] = []
  const backUp = async (kind: 'full' | 'incremental') => {
    ids.push((await (await rig.start(undefined, { kind, metadata: { n: String(ids.length) } })).result()).snapshotId)
    truths.push(withoutSubjects(store))
  }
  await backUp('full')
  store.put('Order', orderRow(7, `${MARK} second`), orderRow(30, 'moved'))
  await backUp('incremental')
  store.delete('Order', ({ id }) => id === 7)
  store.delete('OrderLine', ({ region, no }) => region === 'aa' && no === 10)
  await backUp('incremental')
  return { store, base, ids, truths }
}

export function rigOver(store: InMemoryStore, storage: StorageAdapter) {
  return backupRig({
    stores: [store],
    plan: planOf([store], { policy: { chunkBytes: 400, concurrency: 3, compression: 'none', level: 0 }, buckets: PLACED }),
    storage,
  })
}

function withoutSubjects(store: InMemoryStore): Record<string, string> {
  const lines = (entity: string) =>
    store
      .lines(entity)
      .split('\n')
      .filter((line) => !line.includes(MARK))
      .join('\n')
  return Object.fromEntries(SHOP_ENTITIES.map((entity) => [entity, lines(entity)]))
}

export function erasuresOver(store: InMemoryStore, storage: StorageAdapter): IErasureService {
  const repositories = new BucketRepositories(new Map(BUCKETS.map((bucket) => [bucket, { storage, prefix: `${bucket}/` }])))
  return createErasureService({ repositories, stores: new Map([['default', store]]), schema: NO_SCHEMA_CHANGES, clock: systemClock, logger: silentLogger })
}

export async function eraseAll(erasures: IErasureService) {
  const reports = []
  for (const [entity, key] of SUBJECTS) reports.push(await erasures.erase(entity, key, { rewrite: true }))
  return reports
}

/** What a snapshot holds, without what was erased. */
export async function contentOf(rig: ReturnType<typeof rigOver>, manifest: Manifest): Promise<Record<string, string>> {
  expect(manifestFaults(manifest)).toEqual([])
  const contents: Record<string, string> = {}
  for (const entity of SHOP_ENTITIES) {
    const lines = await rig.lines(manifest, entity)
    contents[entity] = lines
      .split('\n')
      .filter((line) => !line.includes(MARK))
      .join('\n')
  }
  return contents
}

/** Deletes all that nothing needs, in both buckets. */
export async function pruneAll(storage: StorageAdapter) {
  const places = []
  for (const bucket of BUCKETS) places.push({ bucket, repository: await openRepository({ storage, prefix: `${bucket}/` }) })
  return prune({ places, clock: systemClock, logger: silentLogger }, { graceMs: 0 })
}

export async function marksIn(storage: StorageAdapter): Promise<readonly string[]> {
  return (await storedLines(storage)).filter((line) => line.includes(MARK))
}
