import { parseLedger, shapeOf, type StagedLedger } from '../../staged-ledger.ts'
import { quoteLiteral } from '../quote.ts'
import type { FittedItem } from './fit-record.ts'
import type { TargetTransaction } from './target-session.ts'

/** What a staging table is for. */
export function purposeOf({ item, live }: FittedItem): string {
  return `Holdfast: records of ${item.entity} on their way into ${live.table}`
}

/** Equal for the same fields, of the same types, into the same columns of the same table. */
export function shapeOfTable({ item, live, fields }: FittedItem): string {
  const told = fields.map(({ path, column, record, live: { dbType } }) => [path, column, record.type, record.dbType, dbType])
  return shapeOf(item.entity, live.table, told)
}

/** Notes in the comment of a staging table, in the transaction that loads it, what it holds. */
export async function noteLedger(tx: TargetTransaction, table: string, fitted: FittedItem, ledger: StagedLedger): Promise<void> {
  await tx.rows('noting what is staged', `COMMENT ON TABLE ${table} IS ${quoteLiteral(`${purposeOf(fitted)}\n${JSON.stringify(ledger)}`)}`)
}

export function ledgerOf(comment: string | null): StagedLedger | null {
  const at = comment?.indexOf('\n{') ?? -1
  return at < 0 ? null : parseLedger(comment!.slice(at + 1))
}
