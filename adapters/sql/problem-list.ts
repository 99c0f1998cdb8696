import type { RecordProblem } from '../../src/contracts/restore-target.ts'

/** Counts every problem and keeps the first of them. */
export interface ProblemList {
  readonly problems: readonly RecordProblem[]
  readonly count: number
  /** How many more are kept. */
  readonly room: number
  /** Adds some that were found, of `found` in all. */
  add(problems: readonly RecordProblem[], found: number): void
}

export const DEFAULT_PROBLEM_LIMIT = 1000

export function problemList(limit: number = DEFAULT_PROBLEM_LIMIT): ProblemList {
  const problems: RecordProblem[] = []
  let count = 0
  return {
    problems,
    get count() {
      return count
    },
    get room() {
      return Math.max(0, limit - problems.length)
    },
    add(more, found) {
      count += found
      for (const problem of more.slice(0, limit - problems.length)) problems.push(problem)
    },
  }
}
