import { HoldfastError } from '../kernel/errors.ts'
import { plainCondition } from './plain-condition.ts'
import type { Operand } from './value-order.ts'
import { type WrittenBytes, writeBytes } from '../contracts/written-bytes.ts'

/** Requests come from outside, too: a tower of conditions must not take the stack. */
const MOST_LEVELS = 32

/**
 * Conditions that mean the same once they were JSON: of a plan that is kept, and applied by another process.
 *
 * @throws `E_CONFIG` for what JSON would make something else of: a date that is none, a number that is not finite
 */
export function keptWhere(where: Readonly<Record<string, unknown>>, above = '', levels = 1): Readonly<Record<string, unknown>> {
  if (levels > MOST_LEVELS) throw new HoldfastError('E_CONFIG', `conditions go ${MOST_LEVELS} levels down at most, and no property is as deep`)
  return Object.fromEntries(
    Object.entries(where).map(([name, written]) => {
      const path = `${above}${name}`
      const condition = plainCondition(path, written)
      if (condition.kind === 'nested') return [name, keptWhere(condition.members, `${path}.`, levels + 1)]
      if (condition.kind === 'within') return [name, Object.fromEntries(condition.bounds.map(([bound, operand]) => [bound, keptValue(path, operand)]))]
      const values = condition.values.map((value) => (value === null ? null : keptValue(path, value)))
      return [name, values.length === 1 ? values[0] : { in: values }]
    }),
  )
}

function keptValue(path: string, value: Operand): Exclude<Operand, Uint8Array> | WrittenBytes {
  if (typeof value === 'bigint') return `${value}`
  if (value instanceof Uint8Array) return writeBytes(value)
  const isNone = value instanceof Date ? Number.isNaN(value.getTime()) : typeof value === 'number' && !Number.isFinite(value)
  if (isNone)
    throw new HoldfastError('E_CONFIG', `the condition on "${path}" is no date or no number: ${String(value)}`, { hint: 'Look at where it comes from.' })
  return value instanceof Date ? value.toISOString() : value
}
