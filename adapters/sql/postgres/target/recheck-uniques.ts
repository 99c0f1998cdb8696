import { quoteIdent } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import type { ProblemList } from '../../problem-list.ts'
import type { TargetTransaction } from './target-session.ts'

/** A DEFERRABLE unique constraint is checked by a trigger, which is silenced with the others: look for what it would have found. */
export async function recheckUniques(tx: TargetTransaction, { live, item }: FittedItem, list: ProblemList): Promise<void> {
  for (const index of live.deferrableUniques) {
    const entry = index.columns.map(({ name, expression }) => (name === null ? `(${expression})` : quoteIdent(name))).join(', ')
    const nulls = index.nullsNotDistinct ? '' : `WHERE num_nulls(${entry}) = 0`
    const [row] = await tx.rows(
      'checking a deferrable constraint',
      `SELECT count(*)::text AS entries FROM (SELECT FROM ${live.table} ${nulls} GROUP BY ${entry} HAVING count(*) > 1) e`,
    )
    const count = Number(row?.entries)
    if (count > 0)
      list.add(
        [{ entity: item.entity, key: null, cause: 'unique-clash', message: `${count} values of ${entry} would stand more than once (${index.name})` }],
        count,
      )
  }
}
