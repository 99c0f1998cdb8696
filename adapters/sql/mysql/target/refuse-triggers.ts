import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { ActionCounts } from './decide-actions.ts'
import type { LiveTable } from './live-table.ts'

/**
 * Neither MySQL nor MariaDB can switch a trigger off, and dropping one commits whatever was written. So rows that would fire one are not written at all.
 *
 * @throws `E_CAPABILITY` naming the triggers
 */
export function refuseTriggers(
  { table, triggers }: LiveTable,
  { create, update, swap, delete: deleted }: Pick<ActionCounts, 'create' | 'update' | 'delete' | 'swap'>,
): void {
  const fired = new Set([...(create + swap > 0 ? ['INSERT'] : []), ...(update - swap > 0 ? ['UPDATE'] : []), ...(swap + deleted > 0 ? ['DELETE'] : [])])
  const firing = triggers.filter(({ event }) => fired.has(event))
  if (firing.length === 0) return
  const names = firing.map(({ name }) => name)
  throw new HoldfastError('E_CAPABILITY', `rows of ${table} would be written, and its triggers (${names.join(', ')}) cannot be switched off here`, {
    hint: 'Drop the triggers for the time of the restore and create them again afterwards, or leave this entity out.',
    details: { table, triggers: names },
  })
}
