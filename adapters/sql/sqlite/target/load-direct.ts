import type { SqliteConnection } from '../connection.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { exactSelect, exactValues } from '../row-select.ts'
import { quoteName } from '../quote.ts'
import { brokenReferences } from './foreign-keys.ts'
import type { ItemPlan } from './item-plan.ts'
import { loadLines } from './load-lines.ts'
import { type ProblemList, refusalCause } from './problem-list.ts'
import { createRowInserter } from './row-inserter.ts'

/** Lines go straight into an empty table, inside the transaction that the caller has begun. The number of rows. */
export async function loadDirect(
  connection: SqliteConnection,
  plan: ItemPlan,
  problems: ProblemList,
  onProgress: (rows: number) => void,
  { signal }: AbortableOptions,
): Promise<number> {
  const { item, table, columns, written } = plan
  if (connection.count(`SELECT EXISTS (SELECT 1 FROM ${table})`) > 0) throw new HoldfastError('E_RESTORE_MOVED', `"${item.entity}" was empty and no longer is`)
  const positions = written.map((column) => columns.indexOf(column))
  const everything = positions.length === columns.length
  const inserter = createRowInserter(connection, {
    table,
    columns: written.map(({ live }) => live),
    refused: (row, line, error) => {
      const whole = columns.map((column) => row[written.indexOf(column)] ?? null) // generated columns are never part of the key
      problems.add({ entity: item.entity, key: plan.keyText(whole), line, ...refusalCause(error) })
    },
  })
  const { lines, problem } = await loadLines(plan, {
    signal,
    add: (row, line) => inserter.add(everything ? row : positions.map((at) => row[at] ?? null), line),
    pause: (rows) => {
      onProgress(rows)
      return !problems.isFull
    },
  })
  inserter.flush()
  if (problem) problems.add(problem)
  if (problems.count === 0 && lines !== item.lines.rows) {
    throw new HoldfastError('E_RECORD', `"${item.entity}" has ${lines} lines where ${item.lines.rows} were announced`, {
      details: { entity: item.entity, lines, rows: item.lines.rows },
    })
  }
  onProgress(lines)
  return lines
}

/** The table was empty before, so every broken foreign key in it is new. */
export function checkLoadedTable(connection: SqliteConnection, plan: ItemPlan, problems: ProblemList): void {
  const { entity, table, columns, rowid, item } = plan
  const name = rowid ?? (entity.table.rowidColumn === null ? null : quoteName(entity.table.rowidColumn))
  for (const broken of brokenReferences(connection, entity.table.name)) {
    const message = `there is no row in "${broken.parent}" for it`
    const find = !problems.isFull && broken.rowid !== null && name !== null
    const [row] = find ? connection.rows(`SELECT ${exactSelect(columns.map(({ live }) => live))} FROM ${table} WHERE ${name} = ?`, [broken.rowid]) : []
    problems.add({ entity: item.entity, key: row ? plan.keyText(exactValues(row, columns.length)) : null, cause: 'missing-parent', message })
  }
}
