import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertZone, type CalendarSpan } from './calendar.ts'
import { LIMITS } from './retention-limits.ts'
import type { RetentionStrategy } from './retention-strategy.ts'

/**
 * Which snapshots of a series stay: those that any rule keeps, less what goes beyond a limit. Counts are of units that have a snapshot; −1 is without end, 0 and absent keep nothing. Limits without any rule
 * keep all that is within them.
 */
export interface RetentionPolicy {
  /** The newest so many. */
  readonly last?: number
  /** Of each of the newest so many hours, days, ISO weeks, months, years with a snapshot, the newest one. */
  readonly hourly?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  /** All that are younger than this, counted back from the newest one: `{ days: 14 }`. */
  readonly within?: CalendarSpan
  /** All whose metadata have one of these: a name, or `name=value`. No limit takes them. */
  readonly tagged?: readonly string[]
  /** What a function of the application's own keeps, beside the other rules. */
  readonly strategy?: RetentionStrategy
  /** Limit: nothing older stays, counted back from the newest one, whatever a rule keeps. */
  readonly maxAge?: CalendarSpan
  /** Limit: of what rules keep no more than the newest so many. */
  readonly maxCount?: number
  /** Limit: of what rules keep the newest whose chunks have together no more bytes, each chunk counted once. Those that other series share count here, too. */
  readonly maxBytes?: number
  /** By whose calendar: an IANA name. Default `UTC`; never the host's. */
  readonly zone?: string
}

export const COUNTED = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
const SPANS: readonly (keyof CalendarSpan)[] = ['years', 'months', 'weeks', 'days', 'hours']

/** `path`: how messages name it. @throws `E_CONFIG`, also for a policy that keeps nothing: that is no way to delete everything */
export function checkRetention(policy: RetentionPolicy, path = 'keep'): void {
  assertKnownOptions(policy, [...COUNTED, ...LIMITS, 'within', 'tagged', 'strategy', 'zone'] satisfies (keyof RetentionPolicy)[], `\`${path}\``)
  const { tagged, strategy, zone = 'UTC' } = policy
  for (const rule of COUNTED) {
    const count = policy[rule]
    if (count !== undefined && (!Number.isInteger(count) || count < -1))
      throw new HoldfastError('E_CONFIG', `\`${path}.${rule}\` is ${String(count)}; expected a whole number, −1 for all`)
  }
  for (const name of ['within', 'maxAge'] as const) {
    const span = policy[name]
    if (span === undefined) continue
    assertKnownOptions(span, SPANS, `\`${path}.${name}\``)
    const lengths = Object.values(span)
    if (lengths.length === 0 || lengths.some((length) => !Number.isInteger(length) || length < 0) || lengths.every((length) => length === 0))
      throw new HoldfastError('E_CONFIG', `\`${path}.${name}\` takes whole numbers of years, months, weeks, days and hours, at least one above 0`)
  }
  for (const name of ['maxCount', 'maxBytes'] as const) {
    const most = policy[name]
    if (most !== undefined && (!Number.isSafeInteger(most) || most < 1))
      throw new HoldfastError('E_CONFIG', `\`${path}.${name}\` is ${String(most)}; expected a whole number above 0`)
  }
  if (tagged !== undefined && !(Array.isArray(tagged) && tagged.length > 0 && tagged.every((tag) => typeof tag === 'string' && /^[^=]/.test(tag))))
    throw new HoldfastError('E_CONFIG', `\`${path}.tagged\` takes names of metadata, or \`name=value\`, at least one`)
  if (strategy !== undefined && typeof strategy !== 'function') throw new HoldfastError('E_CONFIG', `\`${path}.strategy\` must be a function`)
  try {
    assertZone(zone)
  } catch (cause) {
    throw new HoldfastError('E_CONFIG', `\`${path}.zone\` ${JSON.stringify(zone)} is no time zone that is known here`, {
      hint: 'An IANA name: Europe/Berlin.',
      cause,
    })
  }
  if (!hasRules(policy) && LIMITS.every((limit) => policy[limit] === undefined))
    throw new HoldfastError('E_CONFIG', `\`${path}\` keeps nothing`, {
      hint: 'Give at least one rule: { last: 7, daily: 30 }. Single snapshots are deleted by `discovery.delete`.',
    })
}

/** Does anything but limits decide what stays? */
export function hasRules({ within, tagged, strategy, ...policy }: RetentionPolicy): boolean {
  return [within, tagged, strategy].some((rule) => rule !== undefined) || COUNTED.some((rule) => (policy[rule] ?? 0) !== 0)
}

/** For reports and tombstones. */
export function describeRetention({ strategy, ...policy }: RetentionPolicy): string {
  return JSON.stringify({ ...policy, ...(strategy && { strategy: strategy.name || 'a function' }) })
}
