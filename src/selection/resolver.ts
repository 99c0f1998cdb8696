import type { SnapshotRecord } from '../compare/index.ts'
import type { EntityMeant } from '../compare/snapshot-reader.ts'
import type { EntityReference } from '../plan/entity-reference.ts'
import type { DifferingRow, Resolution, RowResolver } from '../restore/index.ts'

/**
 * Decides of rows that differ, by code: `resolver(Order, ({ live, record }) => (live.status === 'paid' ? 'live' : 'record'))`. Called for each of them inside the comparison and again inside
 * the merge, so that it should give the same answer for the same row; what it throws ends the restore, and nothing is written.
 */
export function resolver<T = never, R extends EntityReference = EntityReference>(
  entity: R,
  resolve: (row: DifferingRow<SnapshotRecord<EntityMeant<T, R>>>) => Resolution | Promise<Resolution>,
): RowResolver {
  return { entity, resolve: resolve as RowResolver['resolve'] }
}
