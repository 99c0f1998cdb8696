import { randomUUID } from 'node:crypto'
import type { PostgresConnections } from '../../adapters/sql/postgres/connections.ts'
import { openPostgresTarget } from '../../adapters/sql/postgres/target/open-target.ts'
import type {
  ConflictPolicy,
  EntityDescriptor,
  MergeReport,
  ReconcileReport,
  RestoreItem,
  RestoreTarget,
  SequenceState,
  StoreMapping,
} from '../../src/contracts/index.ts'
import { EVERYTHING, inView } from './postgres-lane.ts'

export { failure } from './failure.ts'

/** What a backup holds of one entity. */
export interface SavedEntity {
  readonly record: EntityDescriptor
  readonly bytes: Uint8Array
  readonly rows: number
}

export interface SavedStore {
  readonly entities: readonly SavedEntity[]
  readonly sequences: readonly SequenceState[]
}

/** Reads all entities of the mapping, as a backup does. */
export function saveAll(connections: PostgresConnections, mapping: StoreMapping): Promise<SavedStore> {
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

/** The saved records as an item, in batches cut at line ends. */
export function itemOf(saved: SavedEntity, policy: ConflictPolicy = 'overwrite'): RestoreItem {
  return {
    record: saved.record,
    entity: saved.record.name,
    policy,
    lines: {
      rows: saved.rows,
      async *open() {
        const size = 1024 * 1024
        for (let at = 0; at < saved.bytes.length;) {
          const end = saved.bytes.indexOf(0x0a, Math.min(at + size, saved.bytes.length - 1)) + 1
          yield saved.bytes.subarray(at, end)
          at = end
        }
      },
    },
  }
}

/** An item of lines written by hand. */
export function itemOfLines(record: EntityDescriptor, lines: readonly string[], policy: ConflictPolicy = 'overwrite'): RestoreItem {
  return itemOf({ record, bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')), rows: lines.length }, policy)
}

export async function inTarget<T>(
  connections: PostgresConnections,
  mapping: StoreMapping,
  work: (target: RestoreTarget) => Promise<T>,
  restoreId: string = randomUUID(),
  resumes?: string,
): Promise<T> {
  const selection = mapping.entities.map(({ name }) => ({ entity: name }))
  const target = await openPostgresTarget({ store: 'test', connections, mapping, selection, restoreId, resumes })
  try {
    return await work(target)
  } finally {
    await target.close()
  }
}

export interface RestoreOutcome {
  readonly reconciled: ReconcileReport | null
  readonly merged: MergeReport
}

/** Restores all that was saved, in the mapping's order: directly, or staged and compared first. */
export function restoreAll(
  connections: PostgresConnections,
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
