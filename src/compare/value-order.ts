import type { FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { JsonValue } from './record-difference.ts'

/** What a value of a record is compared with. */
export type Operand = string | number | bigint | boolean | Date | Uint8Array

/** How the value stands to the operand: below zero, zero, above; null when it does not stand in any order to it. */
export type ValueOrder = (value: JsonValue) => number | null

/**
 * Numbers by value, exactly; timestamps by the instant, without a zone as UTC; text by its code units, which is not the order of the database's collation. Null when a
 * field of that type is never compared.
 */
export function valueOrder({ type }: FieldDescriptor, operand: Operand): ValueOrder | null {
  switch (type.kind) {
    case 'int':
    case 'bigint':
    case 'decimal':
    case 'float':
      return numberOrder(operand)
    case 'boolean':
      return typeof operand === 'boolean' ? (value) => Number(value) - Number(operand) : null
    case 'timestamp':
      return instantOrder(operand)
    case 'bytes':
      return textOrder(operand instanceof Uint8Array ? Buffer.from(operand).toString('base64') : operand)
    case 'text':
      return operand instanceof Date ? instantOrder(operand) : textOrder(operand)
    case 'dynamic': {
      const [asNumber, asText] = [numberOrder(operand), textOrder(operand instanceof Uint8Array ? Buffer.from(operand).toString('base64') : operand)]
      const asInstant = operand instanceof Date ? instantOrder(operand) : null
      return (value) => {
        if (typeof value === 'number') return asNumber?.(value) ?? null
        if (typeof value !== 'string') return null
        return (asText ?? asInstant ?? asNumber)?.(value) ?? null
      }
    }
    default:
      return null
  }
}

function textOrder(operand: Operand): ValueOrder | null {
  if (typeof operand !== 'string') return null
  return (value) => (typeof value !== 'string' ? null : value < operand ? -1 : value === operand ? 0 : 1)
}

function numberOrder(operand: Operand): ValueOrder | null {
  const number = operand instanceof Date ? operand.getTime() : typeof operand === 'boolean' ? Number(operand) : operand
  if (number instanceof Uint8Array) return null
  const right = decimalOf(number)
  if (right === null) return null
  return (value) => {
    if (typeof value === 'number' && typeof number === 'number') return value - number
    const left = typeof value === 'number' || typeof value === 'string' ? decimalOf(value) : null
    return left === null ? null : compareDecimals(left, right)
  }
}

function instantOrder(operand: Operand): ValueOrder | null {
  const right = operand instanceof Date ? BigInt(operand.getTime()) * 1000n : typeof operand === 'string' ? microseconds(operand) : null
  if (right === null) return typeof operand === 'string' ? (value) => (value === operand ? 0 : null) : null
  return (value) => {
    const left = typeof value === 'string' ? microseconds(value) : null
    return left === null ? null : left < right ? -1 : left > right ? 1 : 0
  }
}

interface Decimal {
  readonly digits: bigint
  /** Digits after the point. */
  readonly scale: number
}

const DECIMAL = /^([+-]?\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i

function decimalOf(value: number | bigint | string): Decimal | null {
  const found = DECIMAL.exec(String(value))
  if (!found) return null
  const [, whole = '', fraction = '', exponent = '0'] = found
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 }
}

function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale)
  const [left, right] = [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale)]
  return left < right ? -1 : left > right ? 1 : 0
}

const INSTANT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/

/** Since 1970, with the six digits that databases have. Null for what is no such instant: infinities, years before Christ. */
function microseconds(text: string): bigint | null {
  const found = INSTANT.exec(text)
  if (!found) return null
  const [, date, time = '00:00', seconds = '00', fraction = '', zone = 'Z'] = found
  const offset = zone === 'Z' ? 'Z' : /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')
  const milliseconds = Date.parse(`${date}T${time}:${seconds}${offset}`)
  return Number.isNaN(milliseconds) ? null : BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}
