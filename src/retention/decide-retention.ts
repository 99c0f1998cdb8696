import { before, type CalendarUnit, unitOf } from './calendar.ts'
import { overLimits, type RetentionLimit } from './retention-limits.ts'
import { COUNTED, hasRules, type RetentionPolicy } from './retention-policy.ts'
import { askStrategy } from './retention-strategy.ts'

/** A snapshot as retention sees it. */
export interface DatedSnapshot {
  readonly id: string
  /** Milliseconds since the epoch, of the state that it holds. */
  readonly at: number
  /** All of it is there: it can be restored. */
  readonly whole: boolean
  /** Somebody has said that it must not be deleted. */
  readonly held: boolean
  readonly metadata: Readonly<Record<string, string>>
  /** Its chunks, by name, and their bytes as they are stored. */
  readonly chunks: ReadonlyMap<string, number>
}

/**
 * `last 1`, `daily 2026-11-21`, `within`, `tagged release`, `strategy …`: the rules that keep it. `limits`: there is no rule, and it is within the limits. `held`: by `discovery.hold`. `oldest`: there are fewer snapshots than a rule would keep. `newest`: always. `future`: dated after now. `not-whole`: part of it
 * is missing, so that it must not take the place of one that can be restored; whether it goes is for a person to say.
 */
export type RetentionReason = string

export interface RetentionVerdict {
  readonly id: string
  readonly at: number
  /** Empty: it goes. */
  readonly reasons: readonly RetentionReason[]
  /** It goes by this limit, although a rule would keep it; else null. */
  readonly limit: RetentionLimit | null
}

export interface RetentionClock {
  readonly now: number
  /** How far clocks may be apart before a snapshot counts as dated in the future. */
  readonly skewMs: number
}

const UNITS: Readonly<Record<Exclude<(typeof COUNTED)[number], 'last'>, CalendarUnit>> = {
  hourly: 'hour',
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
  yearly: 'year',
}

/**
 * Which snapshots of one series stay, and why, newest first. Pure: the same on every host. A snapshot that several rules keep takes a place of each. Ages count back from the newest snapshot,
 * or from now when that is earlier: when backups stop, nothing ages.
 */
export function decideRetention(snapshots: readonly DatedSnapshot[], policy: RetentionPolicy, { now, skewMs }: RetentionClock): readonly RetentionVerdict[] {
  const newestFirst = snapshots.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
  const reasons = new Map<string, RetentionReason[]>(newestFirst.map(({ id }) => [id, []]))
  const keep = ({ id }: DatedSnapshot, reason: RetentionReason) => reasons.get(id)!.push(reason)
  for (const snapshot of newestFirst) {
    if (snapshot.held) keep(snapshot, 'held')
    if (snapshot.at > now + skewMs) keep(snapshot, 'future')
    else if (!snapshot.whole) keep(snapshot, 'not-whole')
  }
  const usable = newestFirst.filter(({ at, whole }) => whole && at <= now + skewMs)
  const [newest] = usable
  if (!newest) return newestFirst.map(({ id, at }) => ({ id, at, reasons: reasons.get(id)!, limit: null }))
  keep(newest, 'newest')
  for (const rule of COUNTED) keepCounted(usable, rule, policy, keep)
  keepYoung(usable, newest, policy, now, keep)
  const tagged = keepTagged(usable, policy, keep)
  if (policy.strategy) for (const [id, reason] of askStrategy(policy.strategy, usable)) reasons.get(id)!.push(`strategy ${reason}`)
  if (!hasRules(policy)) for (const snapshot of usable) keep(snapshot, 'limits')
  const over = overLimits(
    usable.filter(({ id }) => reasons.get(id)!.length > 0),
    policy,
    { anchor: Math.min(now, newest.at), isExempt: (snapshot) => snapshot === newest || snapshot.held || tagged.has(snapshot) },
  )
  return newestFirst.map(({ id, at }) => ({ id, at, reasons: over.has(id) ? [] : reasons.get(id)!, limit: over.get(id) ?? null }))
}

type Keep = (snapshot: DatedSnapshot, reason: RetentionReason) => void

function keepCounted(usable: readonly DatedSnapshot[], rule: (typeof COUNTED)[number], policy: RetentionPolicy, keep: Keep): void {
  const count = policy[rule] ?? 0
  let left = count === -1 ? Number.POSITIVE_INFINITY : count
  if (rule === 'last') {
    for (const [place, snapshot] of usable.entries()) if (place < left) keep(snapshot, `last ${place + 1}`)
    return
  }
  let latest: string | null = null
  for (const snapshot of usable) {
    if (left === 0) return
    const unit = unitOf(snapshot.at, UNITS[rule], policy.zone ?? 'UTC')
    if (unit === latest) continue
    keep(snapshot, `${rule} ${unit}`)
    latest = unit
    left--
  }
  // So that a history that is shorter than the rule grows from its beginning on.
  if (left > 0 && count > 0) keep(usable.at(-1)!, `${rule} oldest`)
}

function keepYoung(usable: readonly DatedSnapshot[], newest: DatedSnapshot, { within, zone = 'UTC' }: RetentionPolicy, now: number, keep: Keep): void {
  if (!within) return
  const limit = before(Math.min(now, newest.at), within, zone)
  for (const snapshot of usable) if (snapshot.at > limit) keep(snapshot, 'within')
}

function keepTagged(usable: readonly DatedSnapshot[], { tagged = [] }: RetentionPolicy, keep: Keep): ReadonlySet<DatedSnapshot> {
  const found = new Set<DatedSnapshot>()
  for (const tag of tagged) {
    const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(tag) ?? []
    for (const snapshot of usable) {
      if (!Object.hasOwn(snapshot.metadata, name) || (value !== undefined && snapshot.metadata[name] !== value)) continue
      keep(snapshot, `tagged ${tag}`)
      found.add(snapshot)
    }
  }
  return found
}
