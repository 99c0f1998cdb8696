import type { CauseClass, RecordProblem } from '../../../../src/contracts/restore-target.ts'
import { HoldfastError } from '../../../../src/kernel/errors.ts'
import type { SqliteConnection } from '../connection.ts'
import { exactSelect, exactValues } from '../row-select.ts'
import type { ItemPlan } from './item-plan.ts'

/** Gathers problems: all are counted, the first `limit` are listed. */
export interface ProblemList {
  readonly problems: readonly RecordProblem[]
  readonly count: number
  readonly isFull: boolean
  add(problem: RecordProblem): void
  /** One problem for each staged row of those lines. `deleted`: they are live rows that would go, and so no records with a number. */
  addLines(connection: SqliteConnection, plan: ItemPlan, lines: readonly bigint[], cause: CauseClass, message: string, deleted?: boolean): void
  /** @throws `E_RESTORE_REJECTED` when there is any */
  refuse(): void
}

export function createProblemList(limit: number): ProblemList {
  const problems: RecordProblem[] = []
  let count = 0
  const add = (problem: RecordProblem) => {
    count++
    if (problems.length < limit) problems.push(problem)
  }
  return {
    problems,
    get count() {
      return count
    },
    get isFull() {
      return problems.length >= limit
    },
    add,
    addLines(connection, plan, lines, cause, message, deleted = false) {
      for (const line of lines) {
        if (problems.length >= limit) {
          count++
          continue
        }
        const [row] = connection.rows(`SELECT ${exactSelect(plan.columns.map(({ stage }) => stage))} FROM ${plan.staged} WHERE n = ?`, [line])
        const key = row ? plan.keyText(exactValues(row, plan.columns.length)) : null
        add({ entity: plan.item.entity, key, ...(deleted ? {} : { line: Number(line) }), cause, message })
      }
    },
    refuse() {
      if (count === 0) return
      const first = problems[0]
      throw new HoldfastError(
        'E_RESTORE_REJECTED',
        `${count} records cannot be restored${first ? `; the first: "${first.entity}" ${first.key ?? ''}: ${first.message}` : ''}; nothing was written`,
        {
          details: { problems, problemCount: count },
        },
      )
    },
  }
}

/** What a refused row means, from the words of SQLite, which name columns and never values. */
export function refusalCause(error: unknown): { readonly cause: CauseClass; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error)
  if (/^UNIQUE constraint failed|PRIMARY KEY/.test(message)) return { cause: 'unique-clash', message }
  if (/^FOREIGN KEY/.test(message)) return { cause: 'missing-parent', message }
  return { cause: 'validation', message }
}
