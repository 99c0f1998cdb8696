import { HoldfastError } from '../kernel/errors.ts'
import type { Operand } from './value-order.ts'
import { readBytes } from '../contracts/written-bytes.ts'

/** A condition by what it is, however it was written. */
export type PlainCondition =
  | { readonly kind: 'oneOf'; readonly values: readonly (Operand | null)[] }
  | { readonly kind: 'within'; readonly bounds: readonly (readonly [Bound, Operand])[] }
  /** Conditions of what stands below the property. */
  | { readonly kind: 'nested'; readonly members: Readonly<Record<string, unknown>> }

export type Bound = 'gt' | 'gte' | 'lt' | 'lte'

const BOUNDS: readonly string[] = ['gt', 'gte', 'lt', 'lte'] satisfies Bound[]

/** How TypeORM marks its operators; that of `Equal` has a mark of its own. */
const TYPEORM: readonly unknown[] = [Symbol.for('FindOperator'), Symbol.for('EqualOperator')]

/** TypeORM's operators that say what a condition here can say. */
const OPERATORS: Readonly<Record<string, (value: unknown) => unknown>> = {
  equal: (value) => value,
  isNull: () => null,
  in: (value) => ({ in: value }),
  moreThan: (value) => ({ gt: value }),
  moreThanOrEqual: (value) => ({ gte: value }),
  lessThan: (value) => ({ lt: value }),
  lessThanOrEqual: (value) => ({ lte: value }),
  between: (value) => (Array.isArray(value) && value.length === 2 ? { gte: value[0] as unknown, lte: value[1] as unknown } : undefined),
}

/** `path`: how messages name it. @throws `E_CONFIG` for what is no condition, undefined among it: of a value that somebody forgot nobody means all rows */
export function plainCondition(path: string, written: unknown): PlainCondition {
  const condition = fromTypeorm(path, written)
  if (condition === null || isOperand(condition)) return { kind: 'oneOf', values: [condition] }
  if (typeof condition !== 'object' || Array.isArray(condition)) throw noCondition(path, condition)
  // MikroORM's operators have a dollar sign.
  const members = Object.entries(condition).map(([name, value]: [string, unknown]) => [name.replace(/^\$/, ''), readBytes(value)] as const)
  const [[name, value] = []] = members
  if (members.length === 1 && name === 'eq' && (value === null || isOperand(value))) return { kind: 'oneOf', values: [value] }
  if (members.length === 1 && name === 'in' && Array.isArray(value)) {
    const values = value.map(readBytes)
    const wrong = values.findIndex((one) => one !== null && !isOperand(one))
    if (wrong >= 0) throw noCondition(`${path}[${wrong}]`, value[wrong])
    return { kind: 'oneOf', values: values as (Operand | null)[] }
  }
  if (members.length === 0) throw noCondition(path, condition)
  if (members.every(([bound, operand]) => BOUNDS.includes(bound) && isOperand(operand)))
    return { kind: 'within', bounds: members as unknown as readonly (readonly [Bound, Operand])[] }
  if (members.some(([bound]) => BOUNDS.includes(bound)) || Object.keys(condition).some((each) => each.startsWith('$'))) throw noCondition(path, condition)
  return { kind: 'nested', members: condition as Readonly<Record<string, unknown>> }
}

export function isOperand(value: unknown): value is Operand {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Date || value instanceof Uint8Array
}

/** `MoreThan(5)` and the like. */
function fromTypeorm(path: string, written: unknown): unknown {
  if (typeof written !== 'object' || written === null || !('@instanceof' in written) || !TYPEORM.includes(written['@instanceof'])) return written
  const { type, value } = written as { readonly type?: unknown; readonly value?: unknown }
  const read = typeof type === 'string' && Object.hasOwn(OPERATORS, type) ? OPERATORS[type] : undefined
  if (read) return read(value)
  throw new HoldfastError('E_CONFIG', `the condition on "${path}" is TypeORM's operator "${String(type)}", which cannot be held against records`, {
    hint: `These can: ${Object.keys(OPERATORS).join(', ')}.`,
  })
}

function noCondition(path: string, value: unknown): HoldfastError {
  const shown = value === undefined ? 'is undefined' : 'is none'
  return new HoldfastError('E_CONFIG', `the condition on "${path}" ${shown}`, {
    hint: 'Give a value, null, { in: [values] }, or bounds: { gt, gte, lt, lte }; to leave it out, leave the property out.',
  })
}
