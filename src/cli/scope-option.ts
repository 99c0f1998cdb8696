import type { Command } from 'commander'
import { shellWord } from './shell-word.ts'

export interface ScopeOptions {
  readonly scope?: string
}

/** For what belongs to one tenant. */
export function addScopeOption(command: Command): Command {
  return command.option('--scope <tenant>', 'the tenant, where the plan has a scope')
}

/** The option as a command repeats it that is printed to be typed. */
export function scopeAgain(scope: string | null | undefined): string {
  return scope === null || scope === undefined ? '' : ` --scope ${shellWord(scope)}`
}
