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

/** Of rows that are to be deleted, and that others refer to. */
const STILL_REFERRED = 'Change or remove the rows that refer to it first, or, with `deleteExtra`, choose their entities, too.'

/** The ways out of what went wrong, the most frequent first. Rows that would be deleted are no records, and have no line. */
export function hintFor(problems: readonly { readonly cause: CauseClass; readonly line?: number | null }[]): string {
  const counts = new Map<string, number>()
  for (const { cause, line } of problems) {
    const way = cause === 'missing-parent' && (line ?? null) === null ? STILL_REFERRED : WAYS_OUT[cause]
    counts.set(way, (counts.get(way) ?? 0) + 1)
  }
  const ways = [...counts].sort(([, a], [, b]) => b - a).map(([way]) => way)
  if (ways.every((way) => way === STILL_REFERRED)) return STILL_REFERRED
  return [...ways, 'Or go on without them: `continueOnError` (`--continue-on-error`), and `replay` them later.'].join(' ')
}
