import { isPlainObject } from './frozen-copy.ts'
import { suggest } from './name-list.ts'
import { PlanProblem } from './plan-problem.ts'
import { NO_SOURCE_LIMITS, type SourceLimits, type SourceProbe } from './source-limits.ts'

const RANGES = {
  maxRowsPerSecond: [1, 1e9],
  maxBytesPerSecond: [1024, 1e12],
  maxReplicationLagMs: [100, 86_400_000],
  checkEveryMs: [100, 600_000],
  maxWaitMs: [1000, 604_800_000],
} as const

/** Fills in what `declared` leaves out from `base`; a member that is unknown or out of range is reported, and as in `base` meanwhile. */
export function resolveSource(declared: unknown, path: string, problems: PlanProblem[], base: SourceLimits = NO_SOURCE_LIMITS): SourceLimits {
  if (declared === undefined) return base
  if (!isPlainObject(declared)) {
    problems.push(new PlanProblem(path, declared, 'not an object', 'Give an object of limits, or leave it out'))
    return base
  }
  for (const [name, value] of Object.entries(declared)) {
    if (!Object.hasOwn(base, name)) problems.push(new PlanProblem(`${path}.${name}`, value, 'no such limit', suggest(name, Object.keys(base), 'limits')))
  }
  const whole = <T extends number | null>(name: keyof typeof RANGES, usual: T): number | T => {
    const value = declared[name]
    const [least, most] = RANGES[name]
    if (value === undefined) return usual
    if (value === null && NO_SOURCE_LIMITS[name] === null) return null as T
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    problems.push(new PlanProblem(`${path}.${name}`, value, 'not a whole number in range', `Give a whole number from ${least} to ${most}`))
    return usual
  }
  return {
    maxRowsPerSecond: whole('maxRowsPerSecond', base.maxRowsPerSecond),
    maxBytesPerSecond: whole('maxBytesPerSecond', base.maxBytesPerSecond),
    maxReplicationLagMs: whole('maxReplicationLagMs', base.maxReplicationLagMs),
    pauseWhen: probe(declared.pauseWhen, path, problems, base.pauseWhen),
    checkEveryMs: whole('checkEveryMs', base.checkEveryMs),
    maxWaitMs: whole('maxWaitMs', base.maxWaitMs),
  }
}

function probe(value: unknown, path: string, problems: PlanProblem[], usual: SourceProbe | null): SourceProbe | null {
  if (value === undefined) return usual
  if (value === null || typeof value === 'function') return value as SourceProbe | null
  problems.push(new PlanProblem(`${path}.pauseWhen`, value, 'not a function', "Give a function that answers 'ok' or 'wait', or leave it out"))
  return usual
}
