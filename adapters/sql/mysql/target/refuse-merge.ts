import type { RecordProblem } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { ProblemList } from '../../problem-list.ts'
import type { DecidedItem } from './decide-actions.ts'

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

/** Names the first problem; the details have them all. */
export function rejected(problems: readonly RecordProblem[], problemCount: number): HoldfastError {
  const first = problems[0]
  const named = first ? `: ${first.entity}${first.key === null ? '' : ` ${first.key}`}: ${first.message}` : ''
  const records = problemCount === 1 ? 'record' : 'records'
  return new HoldfastError('E_RESTORE_REJECTED', `${problemCount} ${records} cannot be restored${named}${problemCount > 1 ? '; and others' : ''}`, {
    details: { problems, problemCount },
  })
}
