import type { CauseClass } from '../contracts/restore-target.ts'

const WAYS_OUT: Readonly<Record<CauseClass, string>> = {
  'missing-parent': 'Restore the missing parents too (`related`, `--related`, or their entity), or before.',
  'unique-clash': 'Change or remove the row that holds the unique value, or leave the record out.',
  validation: 'Give the records values that the columns take (an up-caster), or change the constraint.',
  schema: 'Tell by an up-caster what the records lack, or give the column a default.',
  permission: 'Grant the right that the message names.',
  transient: 'Restore again: what failed may pass.',
  conflict: 'Choose `overwrite`, `skip` or `newer-version-wins` for rows that differ.',
}

/** The ways out of what went wrong, the most frequent first. */
export function hintFor(problems: readonly { readonly cause: CauseClass }[]): string {
  const counts = new Map<CauseClass, number>()
  for (const { cause } of problems) counts.set(cause, (counts.get(cause) ?? 0) + 1)
  const causes = [...counts].sort(([, a], [, b]) => b - a).map(([cause]) => WAYS_OUT[cause])
  return [...causes, 'Or go on without them: `continueOnError` (`--continue-on-error`), and `replay` them later.'].join(' ')
}
