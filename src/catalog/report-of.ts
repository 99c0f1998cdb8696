import type { Decision, PlacePlan } from './decide.ts'
import type { PruneAction, PrunedBucket, PruneReason, PruneReport, PruneTally } from './prune-report.ts'

/** Items listed of each bucket; all are counted. */
const ITEMS = 1000
const ORDER: readonly PruneAction[] = ['delete', 'condemn', 'keep']

export function reportOf(plans: readonly PlacePlan[], facts: Pick<PruneReport, 'dryRun' | 'graceMs' | 'refused'>): PruneReport {
  const buckets = plans.map(bucketOf)
  return { ...facts, buckets, bytesFreed: buckets.reduce((sum, { deleted }) => sum + deleted.bytes, 0) }
}

function bucketOf({ survey, decisions }: PlacePlan): PrunedBucket {
  const kept: Partial<Record<PruneReason, number>> = {}
  for (const { action, reason } of decisions) if (action === 'keep') kept[reason] = (kept[reason] ?? 0) + 1
  const chunks = [...survey.chunks.values()]
  return {
    bucket: survey.bucket,
    scope: survey.scope.id,
    keepsVersions: survey.keepsVersions,
    at: new Date(survey.now).toISOString(),
    before: {
      snapshots: [...survey.snapshots.values()].filter(({ manifestAt }) => manifestAt !== null).length,
      chunks: chunks.length,
      bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    deleted: tally(decisions.filter(({ action }) => action === 'delete')),
    condemned: tally(decisions.filter(({ action }) => action === 'condemn')),
    kept,
    items: decisions
      .toSorted((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action))
      .slice(0, ITEMS)
      .map(({ kind, name, action, reason, bytes }) => ({ kind, name, action, reason, bytes })),
  }
}

function tally(decisions: readonly Decision[]): PruneTally {
  const of = (kind: Decision['kind']) => decisions.filter((one) => one.kind === kind).length
  return { snapshots: of('snapshot'), chunks: of('chunk'), bytes: decisions.reduce((sum, { bytes }) => sum + bytes, 0) }
}
