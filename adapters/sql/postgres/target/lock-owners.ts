import { SHOWN } from '../../merge-action.ts'
import type { DecidedItem } from './decide-actions.ts'
import type { FittedItem } from './fit-record.ts'
import type { OwnerTable } from './live-table.ts'
import { LINE, sameKey } from './row-sql.ts'
import type { TargetTransaction } from './target-session.ts'

/** Tables on the way to the tenant that are not restored themselves, and so not locked. */
export function outsideOwners({ live }: Pick<FittedItem, 'live'>, items: readonly FittedItem[]): readonly OwnerTable[] {
  return live.way?.owners.filter(({ oid }) => items.every((other) => other.live.oid !== oid)) ?? []
}

/**
 * Holds the rows by which touched rows lead to their tenant as they are, until COMMIT. `FOR SHARE`, because a column that is part of no key can be written under `FOR KEY SHARE`. Waits for who has
 * written them already: what is looked at next is what they committed.
 */
export async function lockOwners(tx: TargetTransaction, decided: readonly DecidedItem[], items: readonly FittedItem[]): Promise<void> {
  for (const { fitted, staged, actions } of decided) {
    const { live } = fitted
    const aliases = outsideOwners(fitted, items).map(({ alias }) => alias)
    if (aliases.length === 0) continue
    await tx.rows(
      'locking the rows that lead to the tenant',
      `SELECT count(*) FROM (
         SELECT FROM ${actions} a JOIN ${staged.table} k ON k.${LINE} = a.line JOIN ${live.table} t ON ${sameKey(live, 't', 'k')}${live.way!.joins}
         WHERE a.act IN ${SHOWN} FOR SHARE OF ${aliases.join(', ')}) held`,
    )
  }
}
