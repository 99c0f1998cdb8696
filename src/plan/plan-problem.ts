import { HoldfastError } from '../kernel/errors.ts'
import { referenceFacts } from './entity-reference.ts'

/** One thing wrong with a declaration: where, what was found, what is wrong with it, and the way out. */
export class PlanProblem {
  /** Where it was declared: `entities[2].ignore[0]`, `Order.searchText` for a decorator. */
  readonly path: string
  /** What was found there, as plain data; entities by their name. */
  readonly value: string | number | boolean | null
  readonly problem: string
  readonly remedy: string

  constructor(path: string, value: unknown, problem: string, remedy: string) {
    this.path = path
    this.value = plain(value)
    this.problem = problem
    this.remedy = remedy
  }

  /** The same problem seen from further out. */
  within(prefix: string): PlanProblem {
    return new PlanProblem(`${prefix}.${this.path}`, this.value, this.problem, this.remedy)
  }

  toString(): string {
    const found = this.value === null ? '' : ` = ${JSON.stringify(this.value)}`
    return `${this.path}${found}: ${this.problem}. ${this.remedy}.`
  }
}

/** One `E_PLAN_INVALID` for all problems: the message lists them, `details.problems` carries them. */
export function planInvalid(what: string, problems: readonly PlanProblem[], cause?: unknown, details: HoldfastError['details'] = { problems }): HoldfastError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  const list = problems.map((problem, index) => `\n  ${index + 1}. ${String(problem)}`).join('')
  return new HoldfastError('E_PLAN_INVALID', `${what} has ${count}:${list}`, { details, cause })
}

function plain(value: unknown): PlanProblem['value'] {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || value === undefined) return null
  const name = referenceFacts(value)?.name
  if (name !== undefined) return name
  if (typeof value === 'symbol' || typeof value === 'bigint' || typeof value === 'function') return String(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}
