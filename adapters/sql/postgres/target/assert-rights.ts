import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { FittedItem } from './fit-record.ts'
import { outsideOwners } from './lock-owners.ts'
import type { TargetTransaction } from './target-session.ts'

/** @throws `E_PERMISSION` listing every right that the merge would find missing, with the GRANTs as hint. */
export async function assertRights(tx: TargetTransaction, items: readonly FittedItem[]): Promise<void> {
  const grants: string[] = []
  for (const { live } of items) {
    if (live.lacks.length > 0) grants.push(`${live.lacks.join(', ')} ON ${live.table}`)
    for (const { oid, table } of outsideOwners({ live }, items)) {
      const [row] = await tx.rows('asking for the right to lock rows', `SELECT has_any_column_privilege($1::oid, 'UPDATE')::text AS may`, [oid])
      // PostgreSQL takes locks on rows for the first half of a write.
      if (row?.may !== 'true') grants.push(`UPDATE ON ${table}`)
    }
    for (const { oid } of live.sequences.filter(({ mayAdvance }) => !mayAdvance)) {
      const [row] = await tx.rows('naming a sequence', 'SELECT $1::oid::regclass::text AS name', [oid])
      grants.push(`SELECT, UPDATE ON SEQUENCE ${row?.name}`)
    }
  }
  if (grants.length === 0) return
  const [row] = await tx.rows('asking for the role', 'SELECT quote_ident(current_user) AS role')
  throw new HoldfastError('E_PERMISSION', `role ${row?.role} lacks ${grants.join('; ')}`, {
    hint: grants.map((grant) => `GRANT ${grant} TO ${row?.role}`).join('; '),
    details: { grants },
  })
}
