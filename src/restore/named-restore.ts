import { RESTORE_OPTIONS } from './check-request.ts'
import type { RestoreRequest } from './restore-request.ts'
import type { SnapshotAt } from './row-pick.ts'

/** What is said each time, and so not declared. */
const SAID_EACH_TIME = ['snapshot', 'scope', 'targetScope', 'dryRun', 'by'] as const
type SaidEachTime = (typeof SAID_EACH_TIME)[number]

/** A restore declared once, to be run again by its name: which snapshots, which rows, what wins, and where they go. */
export interface NamedRestore extends Omit<RestoreRequest, SaidEachTime> {
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
  ...RESTORE_OPTIONS.filter((option): option is Exclude<keyof RestoreRequest, SaidEachTime> => !(SAID_EACH_TIME as readonly string[]).includes(option)),
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
  { id: _id, description: _description, plan, series, metadata, ...rest }: NamedRestore,
  { at, ...said }: NamedRestoreOptions = {},
): RestoreRequest {
  const snapshot = { plan, ...(series === undefined ? {} : { series }), ...(metadata === undefined ? {} : { metadata }), ...(at === undefined ? {} : { at }) }
  return { ...rest, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)), snapshot }
}
