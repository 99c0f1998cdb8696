import type { FittedItem } from './fit-record.ts'
import { outsideTables } from './silence.ts'

/**
 * The statements that lock out every other writer, until COMMIT; readers go on. Tables outside the restore that checks read are locked as well where the checks
 * replace silenced foreign keys. Always in the order of OIDs, so that two restores never wait for each other.
 */
export function tableLocks(items: readonly FittedItem[], replica: boolean): readonly string[] {
  const locks = new Map(items.map(({ live }) => [live.oid, `LOCK TABLE ${live.table} IN SHARE ROW EXCLUSIVE MODE`]))
  if (replica) for (const { oid, table } of outsideTables(items)) locks.set(oid, `LOCK TABLE ${table} IN SHARE MODE`)
  return [...locks].sort(([a], [b]) => Number(a) - Number(b)).map(([, statement]) => statement)
}
