import type { RecordProblem, StageOptions } from '../../../../src/contracts/restore-target.ts'
import { type ItemPlan, STAGE } from './item-plan.ts'
import { loadLines } from './load-lines.ts'
import { createRowInserter } from './row-inserter.ts'
import type { StageFile } from './stage-file.ts'

/** Rows between two commits of the staging database. */
const COMMIT_ROWS = 50_000

export interface StagedRecords {
  readonly rows: number
  /** Lines that the live table could not hold exactly; where they are more than they may be, loading stopped at the last of them. */
  readonly problems: readonly RecordProblem[]
}

/** Loads the records of an item into a staging table of its own, committed as it goes. */
export async function stageRecords(stage: StageFile, plan: ItemPlan, indexes: readonly string[], options: StageOptions): Promise<StagedRecords> {
  const { connection } = stage
  stage.prepare(plan, indexes)
  const inserter = createRowInserter(connection, {
    table: plan.staged.slice(STAGE.length + 1),
    columns: ['n', ...plan.columns.map(({ stage: column }) => column)],
    refused: (_row, _line, error) => {
      throw error // the staging table has no constraint to refuse with
    },
  })
  const { refusable = 0 } = options
  const problems: RecordProblem[] = []
  let committed = 0
  connection.exec('BEGIN')
  try {
    const { lines, problem } = await loadLines(plan, {
      signal: options.signal,
      add: (row, line) => inserter.add([BigInt(line), ...row], line),
      refused: (found) => problems.length < refusable && problems.push(found) > 0,
      pause(rows) {
        options.onProgress?.(rows)
        if (rows - committed >= COMMIT_ROWS) {
          inserter.flush()
          connection.exec('COMMIT; BEGIN')
          committed = rows
        }
        return true
      },
    })
    inserter.flush()
    connection.exec('COMMIT')
    options.onProgress?.(lines)
    return { rows: lines - problems.length, problems: problem ? [...problems, problem] : problems }
  } catch (error) {
    if (connection.database.inTransaction) connection.exec('ROLLBACK')
    throw error
  }
}
