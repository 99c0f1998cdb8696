import type { RecordProblem } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { copyErrorLocation } from '../copy/index.ts'
import { causeOf, refusal, tableOf } from './database-problem.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedItem } from './fit-record.ts'
import type { ProblemList } from '../../problem-list.ts'
import { keyOfLine } from '../../key-of-line.ts'

/** @throws `E_RESTORE_CONFLICT` with counts and the first keys, when the policy leaves rows undecided. */
export async function refuseConflicts(decided: readonly DecidedItem[], sampleKeys: (item: DecidedItem) => Promise<readonly string[]>): Promise<void> {
  const undecided = decided.filter(({ counts }) => counts.conflict > 0)
  if (undecided.length === 0) return
  const conflicts = []
  for (const item of undecided)
    conflicts.push({ entity: item.fitted.item.entity, policy: item.fitted.item.policy, rows: item.counts.conflict, keys: await sampleKeys(item) })
  const said = conflicts
    .map(({ entity, policy, rows, keys }) => `${rows} of ${entity} (${policy}): ${keys.join(', ')}${rows > keys.length ? ', …' : ''}`)
    .join('; ')
  throw new HoldfastError('E_RESTORE_CONFLICT', `live rows differ that the policy refuses to decide: ${said}; nothing was written`, { details: { conflicts } })
}

/** @throws `E_RESTORE_REJECTED` when there are problems. */
export function refuseProblems(list: ProblemList): void {
  if (list.count > 0) throw rejected(list.problems, list.count)
}

/** The refusal behind an error of the database while it wrote, as a problem; null when no record is at fault. Call it after the rollback. */
export async function rejection(
  error: unknown,
  current: FittedItem | null,
  all: readonly FittedItem[],
  direct: readonly FittedItem[],
  options: AbortableOptions,
): Promise<HoldfastError | null> {
  const cause = causeOf(error)
  if (!cause) return null
  // A deferred constraint speaks when all is written; the error names its table.
  const blamed = current ?? all.find(({ live }) => live.table === tableOf(error)) ?? all[0]!
  const where = current && direct.includes(current) ? copyErrorLocation(error) : undefined
  const at = where ? { key: await keyOfLine(blamed.key, blamed.item.lines, where.line, options), line: where.line } : { key: null }
  return rejected([{ entity: blamed.item.entity, ...at, cause, message: refusal(error, blamed, where?.column) }], 1, error)
}

/** Names the first problem; the details have them all. */
export function rejected(problems: readonly RecordProblem[], problemCount: number, cause?: unknown): HoldfastError {
  const first = problems[0]
  const named = first ? `: ${first.entity}${first.key === null ? '' : ` ${first.key}`}: ${first.message}` : ''
  return new HoldfastError(
    'E_RESTORE_REJECTED',
    `${problemCount} ${problemCount === 1 ? 'record' : 'records'} cannot be restored${named}${problemCount > 1 ? '; and others' : ''}`,
    {
      details: { problems, problemCount },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
