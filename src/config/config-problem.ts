import { HoldfastError } from '../kernel/errors.ts'

/** One thing wrong with a configuration: where, what was found there, and what belongs there. */
export interface ConfigProblem {
  /** `stores[0]`, `storage.archive.prefix`. */
  readonly path: string
  /** Texts and objects by their kind only: a connection string may hold a password. */
  readonly value: string
  readonly expected: string
}

export function configProblem(path: string, value: unknown, expected: string): ConfigProblem {
  return { path, value: kindOf(value), expected }
}

/** One `E_CONFIG` for all problems: the message lists them, `details.problems` carries them. */
export function configInvalid(file: string, problems: readonly ConfigProblem[]): HoldfastError {
  const list = problems.map(({ path, value, expected }, index) => `\n  ${index + 1}. ${path} is ${value}; expected ${expected}`).join('')
  return new HoldfastError('E_CONFIG', `${file} has ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}:${list}`, {
    hint: 'Each problem says what is expected there.',
    details: { file, problems },
  })
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === '') return 'an empty text'
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object') return `a ${typeof value}`
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name !== 'Object' && name !== '' ? `an object of class ${name}` : 'an object'
}
