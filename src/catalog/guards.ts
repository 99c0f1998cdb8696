import type { PlacePlan } from './decide.ts'
import type { PruneKind } from './prune-report.ts'
import type { Survey } from './survey.ts'

/** Why the places together must not be pruned: a repository refers to chunks here that this process cannot see. Null when there is none. */
export function unseenReferrer(surveys: readonly Survey[]): string | null {
  const seen = new Set(surveys.map(({ repository }) => repository.id))
  for (const { bucket, referrers } of surveys) {
    const unseen = referrers.find((id) => !seen.has(id))
    if (unseen !== undefined)
      return `snapshots in repository ${unseen} refer to chunks in bucket "${bucket}", and that repository is in none of the configured buckets`
  }
  return null
}

/** Why the plan goes too far without an override: more than half of a bucket's snapshots or chunks would go, now or with the lists that wait. Null when it does not. */
export function tooMuch(plans: readonly PlacePlan[]): string | null {
  for (const { survey, decisions } of plans) {
    const going = (kind: PruneKind) => decisions.filter((one) => one.kind === kind && (one.action !== 'keep' || one.reason === 'grace')).length
    const snapshots = [...survey.snapshots.values()].filter(({ manifestAt }) => manifestAt !== null).length
    const counts = [
      [going('snapshot'), snapshots, 'snapshots'],
      [going('chunk'), survey.chunks.size, 'chunks'],
    ] as const
    const excess = counts.find(([goes, of]) => goes * 2 > of)
    if (excess) return `${excess[0]} of ${excess[1]} ${excess[2]} in bucket "${survey.bucket}" would go, which is more than half`
  }
  return null
}
