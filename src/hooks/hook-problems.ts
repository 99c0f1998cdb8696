import type { Hooks } from '../contracts/hooks.ts'

export interface HookProblem {
  /** `beforeBackup`; empty for the whole. */
  readonly member: string
  readonly value: unknown
  readonly problem: string
  readonly remedy: string
}

const MEMBERS: Record<keyof Hooks, 'function' | 'time'> = {
  beforeBackup: 'function',
  afterBackup: 'function',
  beforeView: 'function',
  afterView: 'function',
  beforeRestore: 'function',
  afterRestore: 'function',
  timeoutMs: 'time',
}
const LONGEST_MS = 86_400_000

/** Everything that is wrong with hooks as they were handed over. */
export function hookProblems(hooks: unknown): readonly HookProblem[] {
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks))
    return [{ member: '', value: hooks, problem: 'not an object', remedy: 'Give an object of hooks, or leave it out' }]
  return Object.entries(hooks).flatMap(([member, value]) => {
    if (!Object.hasOwn(MEMBERS, member)) return [{ member, value, problem: 'no such member', remedy: `There are ${Object.keys(MEMBERS).join(', ')}` }]
    if (value === undefined) return []
    if (MEMBERS[member as keyof Hooks] === 'function')
      return typeof value === 'function' ? [] : [{ member, value, problem: 'not a function', remedy: 'Give a function, or leave it out' }]
    return Number.isInteger(value) && value >= 1 && value <= LONGEST_MS
      ? []
      : [{ member, value, problem: 'not a time', remedy: `Give milliseconds, 1 to ${LONGEST_MS}` }]
  })
}
