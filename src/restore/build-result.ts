import type { Merged } from './merge-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import type { RestoredEntity, RestoreResult } from './restore-result.ts'

export function buildResult(
  { id, manifest, clock, dryRun, policy, problems }: RestoreContext,
  startedAt: number,
  { entities, silenced, warnings }: Merged,
): RestoreResult {
  const total = (of: (entity: RestoredEntity) => number) => entities.reduce((sum, entity) => sum + of(entity), 0)
  return {
    restoreId: id,
    snapshotId: manifest.snapshotId,
    planId: manifest.plan.id,
    status: dryRun ? 'planned' : 'completed',
    policy,
    entities,
    totals: {
      records: total(({ records }) => records),
      create: total(({ create }) => create),
      update: total(({ update }) => update),
      identical: total(({ identical }) => identical),
      keep: total(({ keep }) => keep),
      conflict: total(({ conflict }) => conflict),
      ranges: total(({ ranges }) => ranges),
      skippedRanges: total(({ skippedRanges }) => skippedRanges),
    },
    problems: problems.count,
    silenced,
    warnings,
    startedAt: new Date(startedAt).toISOString(),
    durationMs: clock.now() - startedAt,
  }
}
