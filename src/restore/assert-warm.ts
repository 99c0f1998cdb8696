import type { ChunkRef } from '../archive/index.ts'
import type { RestoreContext } from './restore-context.ts'
import type { StoreSelection } from './select-entities.ts'

/** Before anything is opened: what lies in an archive tier takes hours to bring back, and a restore that finds that out in its middle has kept locks for nothing. @throws `E_STORAGE_COLD` */
export async function assertSelectionWarm(selections: readonly StoreSelection[], { bucket, signal }: Pick<RestoreContext, 'bucket' | 'signal'>): Promise<void> {
  const byBucket = new Map<string, ChunkRef[]>()
  for (const { entities } of selections) {
    for (const entity of entities) {
      const refs = byBucket.get(entity.bucket) ?? []
      byBucket.set(entity.bucket, refs)
      for (const { layers } of entity.ranges) refs.push(...layers)
    }
  }
  for (const [name, refs] of byBucket) await (await bucket(name)).chunks.assertWarm(refs, { signal })
}
