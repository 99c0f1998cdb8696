import type { EntityReconciliation, MergedEntity, RestoreItem } from '../contracts/restore-target.ts'
import { HoldfastError } from '../kernel/errors.ts'

type Counted = MergedEntity | Omit<EntityReconciliation, 'samples' | 'extra'>

/**
 * Every record must be accounted for: a restore that quietly did nothing, or not all, is the worst answer there is. Called before a commit. `refused`: records of an entity that were not even staged.
 * @throws `E_RESTORE_EMPTY` when no record of an entity is, `E_RESTORE_REJECTED` when some are not.
 */
export function assertAccounted(items: readonly RestoreItem[], counted: readonly Counted[], refused: (entity: string) => number = () => 0): void {
  for (const { entity, lines } of items) {
    const numbers = counted.find((each) => each.entity === entity)
    const found = numbers ? accountedFor(numbers) + refused(entity) : 0
    if (numbers && found === lines.rows) continue
    throw new HoldfastError(
      found === 0 ? 'E_RESTORE_EMPTY' : 'E_RESTORE_REJECTED',
      `"${entity}" has ${lines.rows} records in the snapshot, but ${found} are accounted for; nothing was committed`,
      {
        details: { entity, records: lines.rows, found },
      },
    )
  }
}

function accountedFor(numbers: Counted): number {
  if ('created' in numbers) return numbers.created + numbers.updated + numbers.identical + numbers.kept + numbers.absent + numbers.failed
  return numbers.create + numbers.update + numbers.identical + numbers.keep + numbers.conflict + numbers.absent + numbers.failed
}
