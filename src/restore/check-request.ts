import type { ConflictPolicy } from '../contracts/restore-target.ts'
import { assertScopeValue } from '../contracts/scope-value.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertNoted } from '../kernel/noted-text.ts'
import { checkSelection } from './check-selection.ts'
import { expect } from './expect-option.ts'
import type { RowResolver } from './row-resolver.ts'
import type { RestoreRequest } from './restore-request.ts'

/** What a request asks for, with every default filled in. */
export interface RestoreSettings {
  readonly policy: ConflictPolicy
  readonly create: boolean
  readonly deleteExtra: boolean
  readonly dryRun: boolean
  readonly mask: boolean
  readonly samples: number
  readonly undo: boolean
  readonly continueOnError: number
  readonly resolvers: readonly RowResolver[]
  readonly by: string | null
  readonly name: string | null
}

/** What can be asked of a restore. */
export const RESTORE_OPTIONS: readonly (keyof RestoreRequest)[] = [
  'snapshot',
  'scope',
  'targetScope',
  'entities',
  'select',
  'related',
  'create',
  'update',
  'deleteExtra',
  'policy',
  'resolvers',
  'dryRun',
  'mask',
  'into',
  'undo',
  'continueOnError',
  'by',
  'name',
  'samples',
]
const POLICIES: readonly ConflictPolicy[] = ['overwrite', 'skip', 'fail', 'newer-version-wins']
const DEFAULT_SAMPLES = 5
const MOST_SAMPLES = 100
/** Records that may fail: as many as the diagnostics list, and a replay looks up, at once. */
const MOST_FAILED = 10_000

/** Requests come from plain JavaScript and from JSON too: a misspelt `dryRun` must not write. @throws `E_CONFIG` */
export function checkRequest(request: RestoreRequest): RestoreSettings {
  assertKnownOptions(request, RESTORE_OPTIONS, 'a restore')
  const { create = true, update = true, deleteExtra = false, undo = false, resolvers = [], by = null, name = null } = request
  const { policy = update ? 'fail' : 'skip', dryRun = false, mask = false, samples = DEFAULT_SAMPLES, entities, into, continueOnError = 0 } = request
  if (request.targetScope !== undefined) {
    assertScopeValue(request.targetScope)
    if (request.scope === undefined) throw new HoldfastError('E_SCOPE', '`targetScope` is given, and no `scope`: what belongs to no tenant goes to none')
  }
  expect(POLICIES.includes(policy), 'policy', policy, POLICIES.map((name) => `"${name}"`).join(', '))
  for (const [option, value] of Object.entries({ create, update, deleteExtra, undo })) expect(typeof value === 'boolean', option, value, 'true or false')
  checkSelection(request)
  const isResolver = (one: RowResolver) => typeof one?.resolve === 'function' && Boolean(one.entity)
  expect(Array.isArray(resolvers) && resolvers.every(isResolver), 'resolvers', resolvers, 'a list of resolvers: resolver(Order, decide)')
  expect(update || resolvers.length === 0, 'resolvers', resolvers.length, 'none beside `update: false`')
  if (!update && request.policy !== undefined && policy !== 'skip') {
    throw new HoldfastError('E_CONFIG', `\`update\` is false, and \`policy\` is "${policy}": no differing row would be updated for it to decide about`, {
      hint: 'Leave one of them out.',
    })
  }
  if (!create && !update && !deleteExtra) {
    throw new HoldfastError('E_CONFIG', '`create`, `update` and `deleteExtra` are all false: nothing could be restored', {
      hint: 'To look only, use `dryRun`.',
    })
  }
  expect(
    Number.isInteger(continueOnError) && continueOnError >= 0 && continueOnError <= MOST_FAILED,
    'continueOnError',
    continueOnError,
    `0 to ${MOST_FAILED}: records that may fail`,
  )
  if (continueOnError > 0 && deleteExtra) {
    throw new HoldfastError('E_CONFIG', '`continueOnError` and `deleteExtra` are both given: live rows of records that fail would be deleted as extra', {
      hint: 'Restore first, then delete extra rows by a restore of its own.',
    })
  }
  assertNoted({ by })
  expect(name === null || typeof name === 'string', 'name', name, 'the id of a named restore')
  expect(typeof dryRun === 'boolean', 'dryRun', dryRun, 'true or false')
  expect(typeof mask === 'boolean', 'mask', mask, 'true or false')
  expect(Number.isInteger(samples) && samples >= 0 && samples <= MOST_SAMPLES, 'samples', samples, `0 to ${MOST_SAMPLES}`)
  expect(entities === undefined || (Array.isArray(entities) && entities.every((name) => typeof name === 'string')), 'entities', entities, 'a list of names')
  expect(into === undefined || isTextRecord(into), 'into', into, 'store names by store names')
  return { policy, create, deleteExtra, dryRun, mask, samples, undo, continueOnError, resolvers, by, name }
}

function isTextRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((name) => typeof name === 'string')
}
