import type { FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { Affinity } from '../contracts/field-type.ts'
import { compareNumbers, exactNumber } from './exact-number.ts'
import { type Instant, instantOf } from './instant.ts'
import type { JsonValue } from './record-difference.ts'

/** What a value of a record is compared with. */
export type Operand = string | number | bigint | boolean | Date | Uint8Array

/** How the value stands to the operand: below zero, zero, above; null when it does not stand in any order to it. */
export type ValueOrder = (value: JsonValue) => number | null

/**
 * Numbers by value, exactly; timestamps and dates by the instant, without a zone as UTC; text by its code units, which is not the order of the database's collation. Null when the
 * field is never compared with such an operand: a number that is no exact integer any more, a text that is no instant, a `Date` where no time is stored.
 */
export function valueOrder(field: Pick<FieldDescriptor, 'type' | 'dbType'>, operand: Operand): ValueOrder | null {
  const { type } = field
  switch (type.kind) {
    case 'int':
    case 'bigint':
    case 'decimal':
      return isRounded(operand) ? null : numberOrder(operand)
    case 'float':
      return numberOrder(operand)
    case 'boolean':
      return typeof operand === 'boolean' ? (value) => Number(value) - Number(operand) : null
    case 'timestamp':
      return instantOrder(operand)
    case 'bytes':
      return bytesOrder(operand)
    case 'text':
      return isTemporal(field) ? instantOrder(operand) : textOrder(operand)
    case 'dynamic':
      return dynamicOrder(field, operand)
    default:
      return null
  }
}

/** Columns of days and times. A time of day is text, and so are ranges of days. */
export function isTemporal({ dbType }: Pick<FieldDescriptor, 'dbType'>): boolean {
  return /^(?:date|datetime|timestamp|timestamptz)(?!\w)/i.test(dbType)
}

function isNumeric({ dbType }: Pick<FieldDescriptor, 'dbType'>): boolean {
  return /int|^(?:dec|num|real|double|float|bool)/i.test(dbType)
}

/** A whole number that JavaScript can no longer tell from its neighbours. */
function isRounded(operand: Operand): boolean {
  return typeof operand === 'number' && (!Number.isFinite(operand) || (Number.isInteger(operand) && !Number.isSafeInteger(operand)))
}

function textOrder(operand: Operand): ValueOrder | null {
  if (typeof operand !== 'string') return null
  return (value) => (typeof value !== 'string' ? null : value < operand ? -1 : value === operand ? 0 : 1)
}

function bytesOrder(operand: Operand): ValueOrder | null {
  if (typeof operand !== 'string' && !(operand instanceof Uint8Array)) return null
  const right = typeof operand === 'string' ? Buffer.from(operand, 'base64') : operand
  // Text is base64 as the records have it, and nothing that merely resembles it.
  if (typeof operand === 'string' && Buffer.from(right).toString('base64') !== operand) return null
  return (value) => (typeof value === 'string' ? Buffer.compare(Buffer.from(value, 'base64'), right) : null)
}

function numberOrder(operand: Operand): ValueOrder | null {
  const number = typeof operand === 'boolean' ? Number(operand) : operand
  if (number instanceof Uint8Array || number instanceof Date || (typeof number === 'number' && !Number.isFinite(number))) return null
  const right = exactNumber(number)
  if (right === null) return null
  return (value) => {
    if (typeof value === 'number' && typeof number === 'number') return value - number
    const left = typeof value === 'number' || typeof value === 'string' ? exactNumber(value) : null
    return left === null ? null : compareNumbers(left, right)
  }
}

function instantOrder(operand: Operand): ValueOrder | null {
  const right = operand instanceof Date || typeof operand === 'string' ? instantOf(operand) : null
  return right === null ? null : (value) => (typeof value === 'string' ? compareInstants(instantOf(value), right) : null)
}

function compareInstants(left: Instant | null, right: Instant): number | null {
  return left === null ? null : left < right ? -1 : left > right ? 1 : 0
}

/** What SQLite stores, whatever the column was declared as. Times are text there, or milliseconds since 1970. */
function dynamicOrder(field: Pick<FieldDescriptor, 'type' | 'dbType'>, operand: Operand): ValueOrder | null {
  const affinity = field.type.kind === 'dynamic' ? field.type.affinity : 'blob'
  const stored = (value: JsonValue) => storedOf(value, affinity)
  if (isTemporal(field) && (operand instanceof Date || typeof operand === 'string')) {
    const right = instantOf(operand)
    return right === null ? null : (value) => compareInstants(instantStored(stored(value)), right)
  }
  if (operand instanceof Date) return null
  const [asBytes, asText] = [bytesOrder(operand), textOrder(operand)]
  if (operand instanceof Uint8Array || affinity === 'blob') {
    if (!asBytes && !asText) return null
    return (value) => {
      const { bytes, text } = stored(value)
      return (bytes === undefined ? asText?.(text ?? null) : asBytes?.(bytes)) ?? null
    }
  }
  const asNumber = affinity !== 'real' && isRounded(operand) ? null : numberOrder(operand)
  if (asText === null || isNumeric(field)) return asNumber && ((value) => asNumber(stored(value).number ?? stored(value).text ?? null))
  return (value) => {
    const { number, text } = stored(value)
    return (number === undefined ? asText(text ?? null) : asNumber?.(number)) ?? null
  }
}

interface Stored {
  /** A big integer is text. */
  readonly number?: number | string
  readonly text?: string
  /** In base64. */
  readonly bytes?: string
}

function storedOf(value: JsonValue, affinity: Affinity): Stored {
  if (typeof value === 'number') return { number: value }
  if (typeof value === 'string')
    return affinity === 'blob' ? { bytes: value } : affinity === 'numeric' || affinity === 'text' ? { text: value } : { number: value }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const { integer, real, text, blob } = value as {
    readonly integer?: number | string
    readonly real?: number | string
    readonly text?: string
    readonly blob?: string
  }
  const number = integer ?? real
  return { ...(number === undefined ? {} : { number }), ...(text === undefined ? {} : { text }), ...(blob === undefined ? {} : { bytes: blob }) }
}

function instantStored({ number, text }: Stored): Instant | null {
  if (text !== undefined) return instantOf(text)
  return typeof number === 'number' ? BigInt(Math.round(number * 1000)) : null
}
