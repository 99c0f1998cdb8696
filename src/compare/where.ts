import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import { didYouMean } from '../kernel/did-you-mean.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { PropertyPath } from '../plan/property-path.ts'
import { keyToken } from './entity-key.ts'
import type { JsonValue } from './record-difference.ts'
import { type Operand, valueOrder } from './value-order.ts'

/** Equal to a value, or to null; one of several; or within bounds, all of which must hold. NULL is within no bounds. */
export type Condition =
  | Operand
  | null
  | { readonly in: readonly (Operand | null)[] }
  | { readonly gt?: Operand; readonly gte?: Operand; readonly lt?: Operand; readonly lte?: Operand }

/**
 * Conditions by property path, all of which must hold. Numbers are compared by value, whether they are given as number, bigint or text; timestamps by instant (a
 * `Date`, or ISO text; without a zone it is UTC); text by its code units.
 */
export type Where<T> = { readonly [P in PropertyPath<T>]?: Condition }

export interface CompiledCondition {
  readonly field: string
  readonly holds: (value: JsonValue) => boolean
  /** Of an equality: how the value is written, if it is written in one way only; a record without it cannot match. */
  readonly tokens: readonly string[] | null
}

const BOUNDS = {
  gt: (order: number) => order > 0,
  gte: (order: number) => order >= 0,
  lt: (order: number) => order < 0,
  lte: (order: number) => order <= 0,
} as const

/** @throws `E_CONFIG` for unknown paths, and conditions that no value of the field can be held against */
export function compileWhere(descriptor: EntityDescriptor, where: Readonly<Record<string, unknown>>): CompiledCondition[] {
  return Object.entries(where)
    .filter(([, condition]) => condition !== undefined)
    .map(([path, condition]) => compile(fieldNamed(descriptor, path), condition))
}

/** @throws `E_CONFIG` */
export function fieldNamed(descriptor: EntityDescriptor, path: string): FieldDescriptor {
  const field = descriptor.fields.find((candidate) => candidate.path === path)
  if (field) return field
  const paths = descriptor.fields.map((candidate) => candidate.path)
  const near = didYouMean(path, paths)
  throw new HoldfastError('E_CONFIG', `"${descriptor.name}" has no field "${path}" in this snapshot${near ? `; did you mean "${near}"?` : ''}`, {
    hint: `It has ${paths.join(', ')}.`,
  })
}

function compile(field: FieldDescriptor, condition: unknown): CompiledCondition {
  if (condition === null || isOperand(condition)) return oneOf(field, [condition])
  if (typeof condition === 'object') {
    const members = Object.entries(condition)
    const [first] = members
    if (members.length === 1 && first![0] === 'in' && Array.isArray(first![1])) return oneOf(field, first![1] as readonly unknown[])
    if (members.length > 0 && members.every(([name, bound]) => Object.hasOwn(BOUNDS, name) && isOperand(bound))) {
      const bounds = members.map(([name, bound]) => ({ holds: BOUNDS[name as keyof typeof BOUNDS], order: orderOf(field, bound as Operand) }))
      const holds = (value: JsonValue) =>
        value !== null &&
        bounds.every((bound) => {
          const order = bound.order(value)
          return order !== null && bound.holds(order)
        })
      return { field: field.path, holds, tokens: null }
    }
  }
  throw new HoldfastError('E_CONFIG', `the condition on "${field.path}" is none`, {
    hint: 'Give a value, null, { in: [values] }, or bounds: { gt, gte, lt, lte }.',
  })
}

function oneOf(field: FieldDescriptor, values: readonly unknown[]): CompiledCondition {
  const operands = values.filter((value) => value !== null)
  const wrong = operands.find((value) => !isOperand(value))
  if (wrong !== undefined) throw incomparable(field, wrong)
  const orders = operands.map((operand) => orderOf(field, operand as Operand))
  const orNull = operands.length < values.length
  const tokens = orNull ? null : tokensOf(field, operands)
  return { field: field.path, holds: (value) => (value === null ? orNull : orders.some((order) => order(value) === 0)), tokens }
}

function orderOf(field: FieldDescriptor, operand: Operand) {
  const folded = field.dbType === 'uuid' && typeof operand === 'string' ? operand.toLowerCase() : operand
  const order = valueOrder(field, folded)
  if (!order) throw incomparable(field, operand)
  return order
}

/** Only where equal values have equal tokens: `1.50` and `1.5` are one number, and two texts. */
function tokensOf(field: FieldDescriptor, operands: readonly unknown[]): readonly string[] | null {
  const { type } = field
  const integers = type.kind === 'dynamic' && type.affinity === 'integer'
  const exact = type.kind === 'int' || type.kind === 'bigint' || type.kind === 'text' || (type.kind === 'dynamic' && type.affinity === 'text')
  if (!exact && !integers) return null
  const tokens = operands.map((operand) => keyToken(field, operand))
  // SQLite makes an integer of a whole number on its way into such a column, up to where a REAL has no room for it; other values it keeps as they are.
  if (integers && !tokens.every((token) => token !== null && Number.isSafeInteger(Number(token)))) return null
  return tokens.some((token) => token === null) ? null : (tokens as readonly string[])
}

function isOperand(value: unknown): value is Operand {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Date || value instanceof Uint8Array
}

function incomparable({ path, dbType }: FieldDescriptor, value: unknown): HoldfastError {
  const shape = value instanceof Date ? 'a Date' : value === null ? 'null' : `a ${typeof value}`
  return new HoldfastError('E_CONFIG', `"${path}" (${dbType}) cannot be compared with ${shape}`)
}
