import type { PlacePlan } from './decide.ts'
import { type Marks, replacedSnapshots } from './mark.ts'
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

/** Why a series cannot be given up: nothing of it is deleted yet, or not all. Null when there is no such series. */
export function stillVisible({ facts }: Marks, endedSeries: readonly string[]): string | null {
  const visible = [...facts.values()].filter(({ hidden, series }) => !hidden && endedSeries.includes(series))
  const [first] = visible
  if (!first) return null
  const count = visible.filter(({ series }) => series === first.series).length
  return `the series "${first.series}" is to be given up, and ${count} of its snapshots ${count === 1 ? 'is' : 'are'} still there (${first.id}): delete them first`
}

/**
 * Why the plan goes too far without an override: more than half of a bucket's snapshots or chunks would go, now or with the lists that wait. What others stand in the place of, without erased
 * records, counts on neither side. Null when it does not.
 */
export function tooMuch(plans: readonly PlacePlan[], { facts }: Pick<Marks, 'facts'>): string | null {
  const replaced = replacedSnapshots(facts.values())
  const rewritten = new Set([...replaced].flatMap((id) => [...facts.get(id)!.chunks.keys()]))
  for (const { survey, decisions } of plans) {
    const going = (kind: PruneKind, beside: ReadonlySet<string>) =>
      decisions.filter((one) => one.kind === kind && !beside.has(one.name) && (one.action !== 'keep' || one.reason === 'grace')).length
    const snapshots = [...survey.snapshots].filter(([id, { manifestAt }]) => manifestAt !== null && !replaced.has(id)).length
    const dropped = new Set(decisions.filter(({ kind, name }) => kind === 'chunk' && rewritten.has(name)).map(({ name }) => name))
    const counts = [
      [going('snapshot', replaced), snapshots, 'snapshots'],
      [going('chunk', dropped), survey.chunks.size - dropped.size, 'chunks'],
    ] as const
    const excess = counts.find(([goes, of]) => goes * 2 > of)
    if (excess) return `${excess[0]} of ${excess[1]} ${excess[2]} in bucket "${survey.bucket}" would go, which is more than half`
  }
  return null
}
