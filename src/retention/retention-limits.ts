import { before } from './calendar.ts'
import type { DatedSnapshot } from './decide-retention.ts'
import type { RetentionPolicy } from './retention-policy.ts'

export const LIMITS = ['maxAge', 'maxCount', 'maxBytes'] as const

/** By which limit a snapshot goes that a rule would keep. */
export type RetentionLimit = (typeof LIMITS)[number]

/**
 * What goes of the snapshots that rules keep, newest first, and by which limit. Nothing goes that `isExempt`, but its bytes count, and its place. From the first on that does not fit into `maxBytes` all older ones go: a small
 * old one does not outlive a large new one. A chunk that several share is counted once.
 */
export function overLimits(
  kept: readonly DatedSnapshot[],
  policy: RetentionPolicy,
  { anchor, isExempt }: { readonly anchor: number; readonly isExempt: (snapshot: DatedSnapshot) => boolean },
): ReadonlyMap<string, RetentionLimit> {
  const { maxAge, maxCount = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, zone = 'UTC' } = policy
  const oldest = maxAge ? before(anchor, maxAge, zone) : Number.NEGATIVE_INFINITY
  const over = new Map<string, RetentionLimit>()
  const counted = new Set<string>()
  let bytes = 0
  const sizeOf = ({ chunks }: DatedSnapshot) => [...chunks].reduce((sum, [name, size]) => (counted.has(name) ? sum : sum + size), 0)
  const take = (snapshot: DatedSnapshot) => {
    bytes += sizeOf(snapshot)
    for (const name of snapshot.chunks.keys()) counted.add(name)
  }
  for (const snapshot of kept) if (isExempt(snapshot)) take(snapshot)
  let full = false
  const limitOf = (snapshot: DatedSnapshot, place: number): RetentionLimit | null => {
    if (snapshot.at <= oldest) return 'maxAge'
    if (place >= maxCount) return 'maxCount'
    return full || bytes + sizeOf(snapshot) > maxBytes ? 'maxBytes' : null
  }
  for (const [place, snapshot] of kept.entries()) {
    if (isExempt(snapshot)) continue
    const limit = limitOf(snapshot, place)
    full ||= limit === 'maxBytes'
    if (limit === null) take(snapshot)
    else over.set(snapshot.id, limit)
  }
  return over
}
