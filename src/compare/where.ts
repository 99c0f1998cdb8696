import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import { didYouMean } from '../kernel/did-you-mean.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { keyToken } from './entity-key.ts'
import { type Bound, type PlainCondition, plainCondition } from './plain-condition.ts'
import type { JsonValue } from './record-difference.ts'
import { isTemporal, type Operand, valueOrder } from './value-order.ts'
import { isWrittenBytes, readBytes } from '../contracts/written-bytes.ts'

export interface CompiledCondition {
  readonly field: string
  readonly holds: (value: JsonValue) => boolean
  /** Of an equality: how the value is written, if it is written in one way only; a record without it cannot match. */
  readonly tokens: readonly string[] | null
}

const BOUNDS: Readonly<Record<Bound, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
}

/** @throws `E_CONFIG` for unknown paths, and conditions that no value of the field can be held against */
export function compileWhere(descriptor: EntityDescriptor, where: Readonly<Record<string, unknown>>): CompiledCondition[] {
  return conditionsOf(descriptor, where, '').map(({ field, condition }) => compile(field, condition))
}

/** The same conditions by the paths of fields, none below another. @throws `E_CONFIG` for unknown paths, and what is no condition */
export function flatWhere(
  entity: EntityPaths<{ readonly path: string }>,
  where: Readonly<Record<string, unknown>>,
): (readonly [path: string, written: unknown])[] {
  return conditionsOf(entity, where, '').map(({ field, written }) => [field.path, written])
}

/** @throws `E_CONFIG` */
export function fieldNamed<F extends { readonly path: string }>({ name, fields }: EntityPaths<F>, path: string): F {
  const field = fields.find((candidate) => candidate.path === path)
  if (field) return field
  const paths = fields.map((candidate) => candidate.path)
  const near = didYouMean(path, paths)
  throw new HoldfastError('E_CONFIG', `"${name}" has no field "${path}"${near ? `; did you mean "${near}"?` : ''}`, {
    hint: `It has ${paths.join(', ')}.`,
  })
}

interface EntityPaths<F extends { readonly path: string }> {
  readonly name: string
  readonly fields: readonly F[]
}

interface FieldCondition<F> {
  readonly field: F
  readonly condition: PlainCondition
  readonly written: unknown
}

function conditionsOf<F extends { readonly path: string }>(
  entity: EntityPaths<F>,
  where: Readonly<Record<string, unknown>>,
  above: string,
): FieldCondition<F>[] {
  return Object.entries(where).flatMap(([name, written]) => {
    const path = `${above}${name}`
    const below = entity.fields.filter((field) => field.path.startsWith(`${path}.`))
    const areBytes = isWrittenBytes(written) && !below.some((field) => field.path === `${path}.blob`)
    const condition = plainCondition(path, areBytes ? readBytes(written) : written)
    const own = entity.fields.some((field) => field.path === path)
    if (condition.kind === 'nested' && !own && below.length > 0) return conditionsOf(entity, condition.members, `${path}.`)
    if (own || below.length === 0) return [{ field: fieldNamed(entity, path), condition, written }]
    // A reference by its name alone, as both ORMs have it; what has several columns can only be absent as a whole.
    const isNull = condition.kind === 'oneOf' && condition.values.every((value) => value === null)
    if (below.length === 1 || isNull) return below.map((field) => ({ field, condition, written }))
    throw new HoldfastError('E_CONFIG', `"${path}" is several fields, and the condition is on none of them`, {
      hint: `Name them: ${below.map((field) => field.path).join(', ')}.`,
    })
  })
}

function compile(field: FieldDescriptor, condition: PlainCondition): CompiledCondition {
  if (condition.kind === 'oneOf') return oneOf(field, condition.values)
  if (condition.kind === 'nested')
    throw new HoldfastError('E_CONFIG', `the condition on "${field.path}" is none: it is one value`, {
      hint: 'Give a value, null, { in: [values] }, or bounds: { gt, gte, lt, lte }.',
    })
  const bounds = condition.bounds.map(([name, operand]) => ({ holds: BOUNDS[name], order: orderOf(field, operand) }))
  const holds = (value: JsonValue) =>
    value !== null &&
    bounds.every((bound) => {
      const order = bound.order(value)
      return order !== null && bound.holds(order)
    })
  return { field: field.path, holds, tokens: null }
}

function oneOf(field: FieldDescriptor, values: readonly (Operand | null)[]): CompiledCondition {
  const operands = values.filter((value) => value !== null)
  const orders = operands.map((operand) => orderOf(field, operand))
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
  if ((!exact && !integers) || isTemporal(field)) return null
  // A number stands for every text that means it.
  if (type.kind === 'dynamic' && type.affinity === 'text' && !operands.every((operand) => typeof operand === 'string')) return null
  const tokens = operands.map((operand) => keyToken(field, operand))
  // SQLite makes an integer of a whole number on its way into such a column, up to where a REAL has no room for it; other values it keeps as they are.
  if (integers && !tokens.every((token) => token !== null && Number.isSafeInteger(Number(token)))) return null
  return tokens.some((token) => token === null) ? null : (tokens as readonly string[])
}

function incomparable({ path, dbType }: FieldDescriptor, value: Operand): HoldfastError {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return new HoldfastError('E_CONFIG', `"${path}" (${dbType}) is compared with ${value}, which JavaScript cannot tell from its neighbours`, {
      hint: 'Give it as text or bigint: "9007199254740993".',
    })
  const shape =
    value instanceof Date
      ? 'a Date'
      : value instanceof Uint8Array
        ? 'bytes'
        : typeof value === 'string'
          ? 'a text that is none of its values'
          : `a ${typeof value}`
  return new HoldfastError('E_CONFIG', `"${path}" (${dbType}) cannot be compared with ${shape}`, {
    hint: 'Numbers as numbers or their digits, times as a valid Date or ISO text, everything else as the text that a record has.',
  })
}
