import type { StageOptions } from '../../../../src/contracts/restore-target.ts'
import { type ProvedRecords, proveStaged } from '../../prove-staged.ts'
import { lineHash } from '../../staged-ledger.ts'
import type { FittedItem } from './fit-record.ts'
import { forgetLedger } from './ledger-table.ts'
import { LINE } from './row-sql.ts'
import type { LeftTable, StagingArea, StagingTable } from './staging-area.ts'
import type { TargetSession, TargetStatements } from './target-session.ts'

/** Records of an interrupted restore that are those of this one. */
export interface TakenUp extends ProvedRecords {
  readonly staged: StagingTable
}

/** Goes on with what an interrupted restore has staged of these records, where it is proved to be that: the table has as many as its ledger says, and they are the lines of now. Else it is dropped. */
export async function takeUpStaged(
  session: TargetSession,
  area: StagingArea,
  { item }: FittedItem,
  shape: string,
  options: StageOptions,
): Promise<TakenUp | null> {
  const { resumes } = area
  const left = resumes === null ? null : area.left(shape)
  if (!left) return null
  const whole = await session.statements((statements) => isWhole(statements, left), options)
  const proved = whole ? await proveStaged(item.lines, left.ledger, lineHash(resumes!), options) : null
  if (proved) return { staged: left, ...proved }
  await session.statements(async (statements) => {
    await forgetLedger(statements, left.place)
    await statements.rows('dropping a staging table', `DROP TABLE ${left.table}`)
  }, options)
  return null
}

/** Behind the records may stand live rows that a comparison has added, to be deleted. */
async function isWhole(statements: TargetStatements, { table, ledger }: LeftTable): Promise<boolean> {
  await statements.run('looking at what is staged', `DELETE FROM ${table} WHERE ${LINE} > ${Math.trunc(ledger.rows)}`)
  const [row] = await statements.rows('looking at what is staged', `SELECT COUNT(*) AS n FROM ${table}`)
  return row?.n === `${ledger.rows}`
}
