import { DEFAULT_POLICY, type BackupPolicy, type Compression } from './backup-policy.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { checkRetention, type RetentionPolicy } from '../retention/index.ts'
import { isPlainObject } from './frozen-copy.ts'
import { suggest } from './name-list.ts'
import { PlanProblem } from './plan-problem.ts'
import { resolveSource } from './resolve-source.ts'

const KIB = 1024
const MIB = 1024 * KIB
const LEVELS: Record<Compression, { readonly least: number; readonly most: number; readonly usual: number }> = {
  zstd: { least: 1, most: 19, usual: 3 },
  gzip: { least: 1, most: 9, usual: 6 },
  none: { least: 0, most: 0, usual: 0 },
}
const CONSISTENCY = ['snapshot', 'entity', 'fuzzy'] as const

/** Fills in the defaults and reports every member that is unknown or out of range; such a member is taken at its default meanwhile. */
export function resolvePolicy(declared: Readonly<Record<string, unknown>>, problems: PlanProblem[]): BackupPolicy {
  for (const [name, value] of Object.entries(declared)) {
    if (!Object.hasOwn(DEFAULT_POLICY, name))
      problems.push(new PlanProblem(`policy.${name}`, value, 'no such policy member', suggest(name, Object.keys(DEFAULT_POLICY), 'members')))
  }
  const compression = choice(declared, 'compression', Object.keys(LEVELS) as Compression[], DEFAULT_POLICY.compression, problems)
  const { least, most, usual } = LEVELS[compression]
  const level =
    declared.level === undefined || declared.compression === compression || declared.compression === undefined
      ? whole(declared, 'level', least, most, usual, problems)
      : usual
  return {
    compression,
    level,
    chunkBytes: whole(declared, 'chunkBytes', 64 * KIB, 64 * MIB, DEFAULT_POLICY.chunkBytes, problems),
    concurrency: whole(declared, 'concurrency', 1, 16, DEFAULT_POLICY.concurrency, problems),
    requireConsistency: choice(declared, 'requireConsistency', [...CONSISTENCY, null], DEFAULT_POLICY.requireConsistency, problems),
    fullAfterDays: whole(declared, 'fullAfterDays', 1, 3650, DEFAULT_POLICY.fullAfterDays, problems),
    fullAfterSnapshots: whole(declared, 'fullAfterSnapshots', 1, 100_000, DEFAULT_POLICY.fullAfterSnapshots, problems),
    reconcileEvery: declared.reconcileEvery === undefined || declared.reconcileEvery === null ? null : whole(declared, 'reconcileEvery', 2, 1000, 10, problems),
    maxViewAgeMs: whole(declared, 'maxViewAgeMs', 1000, 604_800_000, DEFAULT_POLICY.maxViewAgeMs, problems),
    whenViewAges: choice(declared, 'whenViewAges', ['warn', 'reopen'], DEFAULT_POLICY.whenViewAges, problems),
    source: resolveSource(declared.source, 'policy.source', problems),
    retention: retention(declared.retention, problems),
  }
}

function retention(value: unknown, problems: PlanProblem[]): RetentionPolicy | null {
  if (value === undefined || value === null) return null
  if (!isPlainObject(value)) {
    problems.push(new PlanProblem('policy.retention', value, 'not an object', 'Give rules: { last: 7, daily: 30 }, or leave it out'))
    return null
  }
  try {
    checkRetention(value, 'policy.retention')
    return value
  } catch (error) {
    if (!isHoldfastError(error, 'E_CONFIG')) throw error
    problems.push(new PlanProblem('policy.retention', value, error.message, error.hint))
    return null
  }
}

function choice<T extends string | null>(
  declared: Readonly<Record<string, unknown>>,
  name: keyof BackupPolicy,
  known: readonly T[],
  usual: T,
  problems: PlanProblem[],
): T {
  const value = declared[name]
  if (value === undefined) return usual
  const found = known.find((candidate) => candidate === value)
  if (found !== undefined) return found
  problems.push(new PlanProblem(`policy.${name}`, value, 'not one of the choices', `Choose ${known.map((candidate) => JSON.stringify(candidate)).join(', ')}`))
  return usual
}

function whole(
  declared: Readonly<Record<string, unknown>>,
  name: keyof BackupPolicy,
  least: number,
  most: number,
  usual: number,
  problems: PlanProblem[],
): number {
  const value = declared[name]
  if (value === undefined) return usual
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  const range = least === most ? `Only ${least} is possible here` : `Give a whole number from ${least} to ${most}`
  problems.push(new PlanProblem(`policy.${name}`, value, 'not a whole number in range', range))
  return usual
}
