import type { StageOptions } from '../../../../src/contracts/restore-target.ts'
import { type ProvedRecords, proveStaged } from '../../prove-staged.ts'
import { lineHash, type StagedLedger } from '../../staged-ledger.ts'
import { inTurns } from '../slices.ts'
import { type ItemPlan, stagingTable } from './item-plan.ts'
import { forRanges } from './row-ranges.ts'
import type { StageFile } from './stage-file.ts'

/** Goes on with what an interrupted restore has staged of these records, where it is proved to be that: the table has as many as its ledger says, and they are the lines of now. */
export async function takeUpStaged(stage: StageFile, plan: ItemPlan, shape: string, options: StageOptions): Promise<ProvedRecords | null> {
  const { resumes } = stage
  const ledger = resumes === null ? null : stage.left(stagingTable(plan))
  if (ledger?.shape !== shape || !(await isWhole(stage, plan, ledger, options))) return null
  return proveStaged(plan.item.lines, ledger, lineHash(resumes!), options)
}

/** Behind the records may stand live rows that a comparison has added, to be deleted. */
async function isWhole({ connection }: StageFile, plan: ItemPlan, ledger: StagedLedger, { signal }: StageOptions): Promise<boolean> {
  const table = stagingTable(plan)
  connection.run(`DELETE FROM ${table} WHERE n > ?`, [BigInt(ledger.rows)])
  let rows = 0
  const count = (first: bigint, last: bigint) => void (rows += connection.count(`SELECT count(*) FROM ${table} WHERE n BETWEEN ? AND ?`, [first, last]))
  await inTurns(forRanges(connection, table, count), { signal })
  return rows === ledger.rows
}
