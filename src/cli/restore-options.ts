import { type Command, Option } from 'commander'
import type { ConflictPolicy } from '../contracts/restore-target.ts'
import type { NamedRestoreOptions, RestoreRequest, RowPick } from '../restore/index.ts'
import { usageError } from './command-error.ts'
import { entityKeyValue } from './entity-key-value.ts'
import { nameValue, nameValues, wholeNumber } from './option-values.ts'
import type { CommandContext, GlobalOptions } from './run-command.ts'
import { addScopeOption } from './scope-option.ts'
import { userOf } from './user-of.ts'
import { addOfPlan, timeOfSnapshot, WHICH_SNAPSHOT, type WhichOptions } from './which-snapshot.ts'

/** What is to come back, as `restore` and `plan` are told. */
export interface RestoreOptions extends GlobalOptions, WhichOptions {
  readonly targetScope?: string
  readonly entity?: readonly string[]
  readonly key?: Readonly<Record<string, readonly string[]>>
  readonly where?: Readonly<Record<string, string>>
  readonly fields?: Readonly<Record<string, string>>
  readonly related?: boolean
  readonly children?: boolean | readonly string[]
  readonly maxRows?: number
  readonly named?: string
  readonly policy?: ConflictPolicy
  readonly create: boolean
  readonly update: boolean
  readonly deleteExtra?: boolean
  readonly into?: Readonly<Record<string, string>>
  readonly mask?: boolean
  readonly samples?: number
  readonly continueOnError?: number
  readonly by?: string
}

/** Where the declared restores are, and who is at the keyboard. */
type RequestContext = Pick<CommandContext, 'holdfast' | 'surroundings'>

export function addRestoreOptions(command: Command): Command {
  return addOfPlan(addScopeOption(command))
    .argument('[snapshot]', WHICH_SNAPSHOT)
    .option('--named <restore>', 'a restore that the configuration declares, which says all but the time (default: latest), the tenant and who asks')
    .option('--entity <name...>', 'only these entities: Name, or store.Name')
    .option('--key <entity=key>', 'only this record, by a value, a JSON list or object, {"blob":"<base64>"} for bytes; may be repeated', nameValues)
    .option('--where <entity=json>', `only records that hold conditions: 'Order={"status":"paid","placedAt":{"gte":"2026-01-01"}}'`, nameValue)
    .option('--fields <entity=paths>', 'only these fields, into rows that are there: Order=price,status', nameValue)
    .option('--related', 'with the rows that those refer to, and their rows in junction tables')
    .option('--children [entity...]', 'with the rows that refer to those, too: all, or of these entities')
    .option('--max-rows <n>', 'refuse more rows than this to come along (default 100000)', wholeNumber)
    .option('--no-create', 'leave records away that have no live row')
    .option('--no-update', 'leave live rows as they are that differ')
    .option('--delete-extra', 'delete live rows of the chosen entities that the snapshot does not have')
    .addOption(
      new Option(
        '--policy <policy>',
        'what wins where a live row differs: the record, the live row, nobody (refuses; the default), the greater version',
      ).choices(['overwrite', 'skip', 'fail', 'newer-version-wins'] satisfies ConflictPolicy[]),
    )
    .option('--into <from=to>', 'restore a store of the snapshot into another one; may be repeated', nameValue)
    .option('--target-scope <tenant>', 'let the rows of the tenant go to this one; keys stay as they are')
    .option('--mask', 'replace sensitive values on their way, as the configuration says; never into the database that the snapshot is of')
    .option(
      '--continue-on-error <n>',
      'leave out up to so many records that cannot come back, and restore the others; exit code 3 says that there were any',
      wholeNumber,
    )
    .option('--samples <n>', 'samples shown for each entity and action (default 5, at most 100)', wholeNumber)
    .option('--by <name>', 'who asks, for the history (default: the user of the shell)')
}

export function requestOf(snapshot: string | undefined, options: RestoreOptions, { holdfast, surroundings }: RequestContext): RestoreRequest {
  const {
    entity,
    policy,
    create,
    update,
    deleteExtra = false,
    into,
    samples,
    mask = false,
    scope,
    targetScope,
    by = userOf(surroundings),
    continueOnError,
  } = options
  if (options.named !== undefined) return holdfast.restores.named(options.named, { ...timeOf(snapshot, options), scope, targetScope, by })
  if (snapshot === undefined) throw usageError('no snapshot is given', 'Give its id, latest or a time, or a declared restore: --named.')
  return {
    snapshot: snapshotOf(snapshot, options.ofPlan),
    ...selectionOf(options),
    create,
    update,
    deleteExtra,
    ...(mask ? { mask } : {}),
    ...(policy ? { policy } : {}),
    ...(entity && !hasPicks(options) && !options.related && options.children === undefined ? { entities: entity } : {}),
    ...(into ? { into } : {}),
    ...(scope === undefined ? {} : { scope }),
    ...(targetScope === undefined ? {} : { targetScope }),
    ...(samples === undefined ? {} : { samples }),
    ...(continueOnError === undefined ? {} : { continueOnError }),
    ...(by === undefined ? {} : { by }),
  }
}

/** All that a declared restore says itself. */
const DECLARED = [
  'ofPlan',
  'entity',
  'key',
  'where',
  'fields',
  'related',
  'children',
  'maxRows',
  'deleteExtra',
  'policy',
  'into',
  'mask',
  'samples',
  'continueOnError',
] as const

function timeOf(snapshot: string | undefined, options: RestoreOptions): Pick<NamedRestoreOptions, 'at'> {
  const given = [...DECLARED.filter((name) => options[name] !== undefined), ...(options.create ? [] : ['noCreate']), ...(options.update ? [] : ['noUpdate'])]
  if (given.length > 0) {
    const names = given.map((name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
    throw usageError(
      `--named is given, and ${names.join(', ')} as well`,
      'The restore is declared with all of that: change it there, or restore without --named.',
    )
  }
  if (snapshot === undefined || snapshot === 'latest') return {}
  if (timeOfSnapshot(snapshot) === null)
    throw usageError(`--named is given, and ${snapshot} is neither latest nor a time`, 'A declared restore says itself of which plan its snapshots are.')
  return { at: snapshot }
}

/** An id, `latest`, or a point in time. */
function snapshotOf(text: string, plan: string | undefined): RestoreRequest['snapshot'] {
  const at = timeOfSnapshot(text)
  if (at === null) return text
  return { ...(at === 'latest' ? {} : { at: text }), ...(plan === undefined ? {} : { plan }) }
}

function hasPicks({ key, where, fields }: RestoreOptions): boolean {
  return key !== undefined || where !== undefined || fields !== undefined
}

function selectionOf(options: RestoreOptions): Pick<RestoreRequest, 'select' | 'related'> {
  const { entity = [], key = {}, where = {}, fields = {}, children, maxRows } = options
  const wantsRelated = options.related === true || children !== undefined
  if (!hasPicks(options) && !wantsRelated) return {}
  const names = [...new Set([...Object.keys(key), ...Object.keys(where), ...Object.keys(fields), ...entity])]
  const select = names.map((name): RowPick => ({
    entity: name,
    ...(key[name] ? { keys: key[name].map(entityKeyValue) } : {}),
    ...(where[name] === undefined ? {} : { where: conditions(name, where[name]) }),
    ...(fields[name] === undefined ? {} : { fields: fields[name].split(',') }),
  }))
  if (!wantsRelated) return { select }
  return { select, related: { ...(children === undefined ? {} : { children }), ...(maxRows === undefined ? {} : { maxRows }) } }
}

function conditions(name: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>
  } catch {
    // told below
  }
  throw usageError(
    `the conditions of --where ${name} are no JSON object`,
    `In quotes, which keep the shell from it: --where 'Order={"status":"paid","price":{"gt":100}}'`,
  )
}

/** Rows that differ wait for somebody to say which side wins. */
export function policyHint(conflicts: number): string {
  return conflicts > 0 ? ' Say what becomes of rows that differ: --policy overwrite, skip or newer-version-wins.' : ''
}
