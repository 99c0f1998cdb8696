import type { Merged } from './merge-stores.ts'
import type { RestoreContext } from './restore-context.ts'
import type { RestoredEntity, RestoreResult } from './restore-result.ts'

export function buildResult(
  { id, manifest, tenant, clock, dryRun, policy, problems, outcomes, masked, leftOut, by, name, applies, replays, watcher }: RestoreContext,
  startedAt: number,
  { entities, silenced, warnings }: Merged,
): RestoreResult {
  return {
    restoreId: id,
    snapshotId: manifest.snapshotId,
    planId: manifest.plan.id,
    scope: manifest.tenant ?? null,
    targetScope: tenant,
    status: dryRun ? 'planned' : problems.count > 0 ? 'PartiallyRestored' : 'completed',
    policy,
    by,
    name,
    applies: applies ?? null,
    undoes: null,
    replays: replays ?? null,
    undoable: !dryRun && watcher?.journals === true,
    entities,
    totals: totalsOf(entities),
    schema: outcomes,
    masked,
    erased: leftOut,
    problems: problems.count,
    silenced,
    warnings,
    hooks: [],
    startedAt: new Date(startedAt).toISOString(),
    durationMs: clock.now() - startedAt,
  }
}

export function totalsOf(entities: readonly RestoredEntity[]): RestoreResult['totals'] {
  const total = (of: (entity: RestoredEntity) => number) => entities.reduce((sum, entity) => sum + of(entity), 0)
  return {
    records: total(({ records }) => records),
    create: total(({ create }) => create),
    update: total(({ update }) => update),
    identical: total(({ identical }) => identical),
    keep: total(({ keep }) => keep),
    conflict: total(({ conflict }) => conflict),
    absent: total(({ absent }) => absent),
    failed: total(({ failed }) => failed),
    delete: total((entity) => entity.delete),
    ranges: total(({ ranges }) => ranges),
    skippedRanges: total(({ skippedRanges }) => skippedRanges),
  }
}
