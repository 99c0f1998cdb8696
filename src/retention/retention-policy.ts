import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertZone, type CalendarSpan } from './calendar.ts'

/** Which snapshots of a series stay: those that any rule keeps. Counts are of units that have a snapshot; −1 is without end, 0 and absent keep nothing. */
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
  /** By whose calendar: an IANA name. Default `UTC`; never the host's. */
  readonly zone?: string
}

export const COUNTED = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
const SPANS: readonly (keyof CalendarSpan)[] = ['years', 'months', 'weeks', 'days', 'hours']

/** @throws `E_CONFIG`, also for a policy that keeps nothing: that is no way to delete everything */
export function checkRetention(policy: RetentionPolicy): void {
  assertKnownOptions(policy, [...COUNTED, 'within', 'zone'] satisfies (keyof RetentionPolicy)[], '`keep`')
  const { within, zone = 'UTC' } = policy
  for (const rule of COUNTED) {
    const count = policy[rule]
    if (count !== undefined && (!Number.isInteger(count) || count < -1))
      throw new HoldfastError('E_CONFIG', `\`keep.${rule}\` is ${String(count)}; expected a whole number, −1 for all`)
  }
  if (within !== undefined) {
    assertKnownOptions(within, SPANS, '`keep.within`')
    const lengths = Object.values(within)
    if (lengths.length === 0 || lengths.some((length) => !Number.isInteger(length) || length < 0) || lengths.every((length) => length === 0))
      throw new HoldfastError('E_CONFIG', '`keep.within` takes whole numbers of years, months, weeks, days and hours, at least one above 0')
  }
  try {
    assertZone(zone)
  } catch (cause) {
    throw new HoldfastError('E_CONFIG', `\`keep.zone\` ${JSON.stringify(zone)} is no time zone that is known here`, {
      hint: 'An IANA name: Europe/Berlin.',
      cause,
    })
  }
  if (within === undefined && COUNTED.every((rule) => (policy[rule] ?? 0) === 0))
    throw new HoldfastError('E_CONFIG', '`keep` keeps nothing', {
      hint: 'Give at least one rule: { last: 7, daily: 30 }. Single snapshots are deleted by `discovery.delete`.',
    })
}
