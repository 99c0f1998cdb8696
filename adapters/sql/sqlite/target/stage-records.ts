import type { RecordProblem, StageOptions } from '../../../../src/contracts/restore-target.ts'
import { type LedgerKeeper, ledgerKeeper, shapeOf } from '../../staged-ledger.ts'
import { type ItemPlan, stagingTable } from './item-plan.ts'
import { loadLines } from './load-lines.ts'
import { createRowInserter } from './row-inserter.ts'
import type { StageFile } from './stage-file.ts'
import { takeUpStaged } from './take-up-staged.ts'

/** Rows between two commits of the staging database. */
const COMMIT_ROWS = 50_000

export interface StagedRecords {
  readonly rows: number
  /** Lines that the live table could not hold exactly; where they are more than they may be, loading stopped at the last of them. */
  readonly problems: readonly RecordProblem[]
  /** How many of them an interrupted restore had staged already. */
  readonly takenUp?: number
}

/** Loads the records of an item into a staging table of their own, committed as it goes. */
export async function stageRecords(stage: StageFile, plan: ItemPlan, indexes: readonly string[], options: StageOptions): Promise<StagedRecords> {
  const { connection, resumes } = stage
  const table = stagingTable(plan)
  const shape = shapeOfTable(plan, indexes)
  const taken = await takeUpStaged(stage, plan, shape, options)
  if (!taken) stage.prepare(plan, indexes)
  const inserter = createRowInserter(connection, {
    table,
    columns: ['n', ...plan.columns.map(({ stage: column }) => column)],
    refused: (_row, _line, error) => {
      throw error // the staging table has no constraint to refuse with
    },
  })
  const { refusable = 0 } = options
  const problems: RecordProblem[] = []
  /** Keeps the ledger of what is in the table, for who goes on with it; null where nobody may. */
  let keeper: LedgerKeeper | null = resumes === null ? null : ledgerKeeper(shape, resumes, taken?.hash)
  let committed = taken?.rows ?? 0
  const commit = (rows: number, then = ''): void => {
    inserter.flush()
    stage.note(table, keeper?.at(rows) ?? null)
    connection.exec(`COMMIT; ${then}`)
    committed = rows
  }
  connection.exec('BEGIN')
  try {
    const { lines, problem } = await loadLines(plan, {
      signal: options.signal,
      ...(taken ? { lines: taken.rest, before: taken.rows } : {}),
      passed: (bytes) => keeper?.add(bytes),
      add: (row, line) => inserter.add([BigInt(line), ...row], line),
      refused(found) {
        // From here on records are missing in the table: nobody could go on with it.
        keeper = null
        return problems.length < refusable && problems.push(found) > 0
      },
      pause(rows) {
        options.onProgress?.(rows)
        if (rows - committed >= COMMIT_ROWS) commit(rows, 'BEGIN')
        return true
      },
    })
    commit(lines)
    options.onProgress?.(lines)
    return { rows: lines - problems.length, problems: problem ? [...problems, problem] : problems, ...(taken ? { takenUp: taken.rows } : {}) }
  } catch (error) {
    if (connection.database.inTransaction) connection.exec('ROLLBACK')
    throw error
  }
}

/** Equal for the same fields, of the same affinities, for the same columns of the same table, under the same indexes. */
function shapeOfTable({ item, entity, columns }: ItemPlan, indexes: readonly string[]): string {
  const told = columns.map(({ path, affinity, stage, live, column }) => [path, affinity, stage, live, column.affinity])
  return shapeOf(item.entity, entity.table.name, told, indexes)
}
