import type { Command } from 'commander'
import { isUuid } from '../kernel/ids.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { CommandContext } from './run-command.ts'
import type { ScopeOptions } from './scope-option.ts'

/** How a snapshot is told that is to be looked at. */
export const WHICH_SNAPSHOT = 'id of the snapshot; or latest, or a time as 2026-01-31T12:00Z: the newest snapshot then'

export interface WhichOptions extends ScopeOptions {
  readonly ofPlan?: string | undefined
}

/** For commands that take `latest` and a time as well as an id. */
export function addOfPlan(command: Command): Command {
  return command.option('--of-plan <plan>', 'of this plan, where the snapshot is told by time')
}

/** `latest`, or a point in time; null for an id, and for what is none of these. */
export function timeOfSnapshot(text: string): Date | 'latest' | null {
  if (isUuid(text)) return null
  if (text === 'latest') return text
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : new Date(at)
}

/** The id that is meant. What tells of no time is given back as it is, for the command to find out whether there is such a snapshot. @throws `E_SNAPSHOT_UNKNOWN`, `E_PLAN_UNKNOWN` */
export async function whichSnapshot(text: string, { ofPlan, scope }: WhichOptions, { holdfast, interrupts }: CommandContext): Promise<string> {
  const at = timeOfSnapshot(text)
  if (at === null) return text
  const { signal } = interrupts
  const all = await holdfast.discovery.snapshots({ scope, signal, ...(ofPlan === undefined ? {} : { plan: ofPlan }), ...(at === 'latest' ? { limit: 1 } : {}) })
  const found = all.find(({ viewAt }) => at === 'latest' || Date.parse(viewAt) <= at.getTime())
  if (found) return found.id
  const of = ofPlan === undefined ? '' : ` of plan "${ofPlan}"`
  throw new HoldfastError(
    'E_SNAPSHOT_UNKNOWN',
    at === 'latest' ? `there is no snapshot${of} yet` : `there is no snapshot${of} at or before ${at.toISOString()}`,
  )
}
