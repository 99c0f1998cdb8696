import { isDeepStrictEqual } from 'node:util'
import { RESTORE_OPTIONS } from './check-request.ts'
import type { RestoreRequest } from './restore-request.ts'
import type { SnapshotAt } from './row-pick.ts'

/** What is said each time, and so not declared. */
const SAID_EACH_TIME = ['snapshot', 'scope', 'targetScope', 'dryRun', 'by'] as const
/** What a request of a named restore has beside what is declared. */
const NOT_DECLARED: readonly (keyof RestoreRequest)[] = [...SAID_EACH_TIME, 'name']
type NotDeclared = (typeof SAID_EACH_TIME)[number] | 'name'

/** A restore declared once, to be run again by its name: which snapshots, which rows, what wins, and where they go. */
export interface NamedRestore extends Omit<RestoreRequest, NotDeclared> {
  /** `[a-z0-9][a-z0-9-]{0,62}`, unique among the named restores. */
  readonly id: string
  /** For whoever runs it at a bad moment. */
  readonly description: string
  /** The plan whose snapshots are meant. Entities that are named must be in it. */
  readonly plan: string
  /** Only snapshots of this series. Default: any. */
  readonly series?: string
  /** Only snapshots with all of these facts. Default: any. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** What can be declared of a restore. */
export const NAMED_RESTORE_OPTIONS: readonly (keyof NamedRestore)[] = [
  'id',
  'description',
  'plan',
  'series',
  'metadata',
  ...RESTORE_OPTIONS.filter((option): option is Exclude<keyof RestoreRequest, NotDeclared> => !NOT_DECLARED.includes(option)),
]

/** What is said when a named restore is run. */
export interface NamedRestoreOptions extends Pick<RestoreRequest, 'scope' | 'targetScope' | 'dryRun' | 'by'> {
  /** The newest snapshot whose state is not younger than this (a `Date`, or ISO text). Default: the newest. */
  readonly at?: SnapshotAt['at']
}

/**
 * Declares a restore that can be run again: `restores.restore(restores.named('orders-of-a-day', { at }))`, `holdfast restore latest --named orders-of-a-day`. Throws nothing: what is wrong with it is
 * reported at boot.
 */
export function defineRestore(declaration: NamedRestore): NamedRestore {
  return Object.freeze({ ...declaration })
}

/** The request that a named restore stands for. */
export function requestOfNamed(
  { id: name, description: _description, plan, series, metadata, ...rest }: NamedRestore,
  { at, ...said }: NamedRestoreOptions = {},
): RestoreRequest {
  const snapshot = { plan, ...(series === undefined ? {} : { series }), ...(metadata === undefined ? {} : { metadata }), ...(at === undefined ? {} : { at }) }
  return { ...rest, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)), snapshot, name }
}

/** In what a request is another than the named restore that it says it is: names of its options. What is said each time may be anything, and the snapshot the id of one that was found before. */
export function differencesFrom(restore: NamedRestore, request: RestoreRequest): readonly string[] {
  const declared = requestOfNamed(restore)
  const told = ({ snapshot }: RestoreRequest) => (typeof snapshot === 'string' ? null : { ...snapshot, at: null })
  const others = RESTORE_OPTIONS.filter((option) => !NOT_DECLARED.includes(option) && !isDeepStrictEqual(request[option], declared[option]))
  return typeof request.snapshot === 'string' || isDeepStrictEqual(told(request), told(declared)) ? others : ['snapshot', ...others]
}
