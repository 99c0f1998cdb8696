import type { ConflictPolicy } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import type { RestoreRequest } from './restore-request.ts'

/** What a request asks for, with every default filled in. */
export interface RestoreSettings {
  readonly policy: ConflictPolicy
  readonly dryRun: boolean
  readonly samples: number
}

const OPTIONS: readonly (keyof RestoreRequest)[] = ['snapshot', 'entities', 'policy', 'dryRun', 'into', 'samples']
const POLICIES: readonly ConflictPolicy[] = ['overwrite', 'skip', 'fail', 'newer-version-wins']
const DEFAULT_SAMPLES = 5
const MOST_SAMPLES = 100

/** Requests come from plain JavaScript and from JSON too: a misspelt `dryRun` must not write. @throws `E_CONFIG` */
export function checkRequest(request: RestoreRequest): RestoreSettings {
  const { policy = 'fail', dryRun = false, samples = DEFAULT_SAMPLES, entities, into } = request
  assertKnownOptions(request, OPTIONS, 'a restore')
  expect(POLICIES.includes(policy), 'policy', policy, POLICIES.map((name) => `"${name}"`).join(', '))
  expect(typeof dryRun === 'boolean', 'dryRun', dryRun, 'true or false')
  expect(Number.isInteger(samples) && samples >= 0 && samples <= MOST_SAMPLES, 'samples', samples, `0 to ${MOST_SAMPLES}`)
  expect(entities === undefined || (Array.isArray(entities) && entities.every((name) => typeof name === 'string')), 'entities', entities, 'a list of names')
  expect(into === undefined || isTextRecord(into), 'into', into, 'store names by store names')
  return { policy, dryRun, samples }
}

function expect(holds: boolean, option: string, value: unknown, expected: string): void {
  if (!holds) throw new HoldfastError('E_CONFIG', `\`${option}\` is ${JSON.stringify(value) ?? String(value)}; expected ${expected}`)
}

function isTextRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((name) => typeof name === 'string')
}
