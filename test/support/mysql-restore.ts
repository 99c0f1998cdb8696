import { randomUUID } from 'node:crypto'
import type { MysqlConnections } from '../../adapters/sql/mysql/connections.ts'
import { openMysqlTarget } from '../../adapters/sql/mysql/target/open-target.ts'
import type { ConflictPolicy, RestoreTarget, StoreMapping } from '../../src/contracts/index.ts'
import { inView } from './mysql-lane.ts'
import { EVERYTHING } from './postgres-lane.ts'
import { itemOf, type RestoreOutcome, type SavedEntity, type SavedStore } from './postgres-restore.ts'

export { failure } from './failure.ts'
export { itemOf, itemOfLines, type SavedStore } from './postgres-restore.ts'

/** Reads all entities of the mapping, as a backup does. */
export function saveAll(connections: MysqlConnections, mapping: StoreMapping): Promise<SavedStore> {
  return inView(connections, mapping, async (view) => {
    const entities: SavedEntity[] = []
    for (const record of view.entities) {
      const batches: Uint8Array[] = []
      let rows = 0
      for await (const batch of view.read(record.name, EVERYTHING)) {
        batches.push(Uint8Array.from(batch.bytes))
        rows += batch.rows
      }
      entities.push({ record, bytes: Buffer.concat(batches), rows })
    }
    return { entities, sequences: await view.sequences() }
  })
}

export async function inTarget<T>(
  connections: MysqlConnections,
  mapping: StoreMapping,
  work: (target: RestoreTarget) => Promise<T>,
  restoreId: string = randomUUID(),
): Promise<T> {
  const target = await openMysqlTarget({ store: 'test', connections, mapping, selection: mapping.entities.map(({ name }) => ({ entity: name })), restoreId })
  try {
    return await work(target)
  } finally {
    await target.close()
  }
}

/** Restores all that was saved, in the mapping's order: directly, or staged and compared first. */
export function restoreAll(
  connections: MysqlConnections,
  mapping: StoreMapping,
  saved: SavedStore,
  { policy = 'overwrite', mode = 'staged' }: { policy?: ConflictPolicy; mode?: 'staged' | 'direct' } = {},
): Promise<RestoreOutcome> {
  return inTarget(connections, mapping, async (target) => {
    const items = saved.entities.map((entity) => itemOf(entity, policy))
    if (mode === 'staged') for (const item of items) await target.stage(item)
    const reconciled = mode === 'staged' ? await target.reconcile(items) : null
    const merged = await target.merge(
      items.map((item) => ({ ...item, mode })),
      { sequences: saved.sequences },
    )
    return { reconciled, merged }
  })
}
