import type { FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { Affinity, FieldType } from '../contracts/field-type.ts'
import { decodeBytes, encodeBytes } from './bytes-token.ts'
import { dynamicDecoder, dynamicEncoder } from './dynamic-codec.ts'
import { ExactNumber, type ExactJson, printExactJson } from './exact-json.ts'
import type { StoredValue } from './stored-value.ts'
import { ValueError } from './value-error.ts'

/**
 * The JSON token that a column stores a value by, for values that a function of the application made. Takes the values that records hold (`FieldType` has the
 * table) and what JavaScript has for them: numbers, bigints and digits where the column holds numbers, a `Date` for a timestamp, bytes. Nothing is rounded.
 *
 * @throws ValueError when the column cannot hold such a value; the message has no value in it
 */
export function valueToken(field: Pick<FieldDescriptor, 'type' | 'dbType'>, value: unknown): string {
  return value === null || value === undefined ? 'null' : tokenOf(field.type, field.dbType, value)
}

const INTEGER = /^-?(?:0|[1-9][0-9]*)$/
const DECIMAL = /^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|NaN|-?Infinity)$/

function tokenOf(type: FieldType, dbType: string, value: unknown): string {
  switch (type.kind) {
    case 'int': {
      const digits = numberText(value)
      if (!INTEGER.test(digits) || !Number.isSafeInteger(Number(digits))) throw new ValueError('a whole number within ±(2^53 − 1) was expected')
      return `${Number(digits)}`
    }
    case 'bigint': {
      const digits = typeof value === 'string' ? value : numberText(value)
      if (!INTEGER.test(digits)) throw new ValueError('a whole number was expected')
      return `"${digits}"`
    }
    case 'decimal': {
      const digits = typeof value === 'string' ? value : numberText(value)
      if (!DECIMAL.test(digits)) throw new ValueError('a decimal number was expected')
      return `"${digits}"`
    }
    case 'float':
      return floatToken(value)
    case 'boolean':
      if (typeof value !== 'boolean') throw new ValueError('true or false was expected')
      return `${value}`
    case 'timestamp':
      if (value instanceof Date) return JSON.stringify(timestampText(value, dbType))
      return textToken(value, 'a timestamp')
    case 'bytes':
      return bytesToken(value)
    case 'jsonb':
      if (!Array.isArray(value) || value.length !== 1) throw new ValueError('an array of the one JSON value was expected')
      return printExactJson(value as ExactJson)
    case 'text':
      return textToken(value, 'text')
    case 'array':
      if (typeof value === 'string') return JSON.stringify(value)
      if (!Array.isArray(value)) throw new ValueError('an array was expected')
      return `[${value.map((element: unknown) => arrayToken(type.element, dbType, element)).join(',')}]`
    case 'dynamic':
      return dynamicToken(type.affinity, value)
  }
}

/** Further dimensions stand in arrays of arrays. */
function arrayToken(element: FieldType, dbType: string, value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value) && element.kind !== 'jsonb' && element.kind !== 'array')
    return `[${value.map((inner: unknown) => arrayToken(element, dbType, inner)).join(',')}]`
  return tokenOf(element, dbType, value)
}

function numberText(value: unknown): string {
  if (typeof value === 'bigint' || value instanceof ExactNumber) return value.toString()
  if (typeof value !== 'number') throw new ValueError('a number was expected')
  return Number.isInteger(value) ? BigInt(value).toString() : `${value}`
}

function floatToken(value: unknown): string {
  if (value instanceof ExactNumber) return value.source
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return `"${value}"`
  if (typeof value !== 'number') throw new ValueError('a number was expected')
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : `${value}`
}

function bytesToken(value: unknown): string {
  if (value instanceof Uint8Array) return encodeBytes(value)
  const token = textToken(value, 'bytes, or base64 text,')
  decodeBytes(token)
  return token
}

function textToken(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new ValueError(`${what} was expected`)
  if (!value.isWellFormed()) throw new ValueError('a lone surrogate')
  return JSON.stringify(value)
}

/** As the databases print it: no zeros at the end of a fraction, and an offset where the column has a time zone. */
function timestampText(value: Date, dbType: string): string {
  if (Number.isNaN(value.getTime())) throw new ValueError('a valid date was expected')
  const text = value
    .toISOString()
    .slice(0, -1)
    .replace(/\.?0+$/, '')
  return dbType.includes('with time zone') ? `${text}+00` : text
}

function dynamicToken(affinity: Affinity, value: unknown): string {
  return dynamicEncoder(affinity)(storedValue(affinity, value))
}

/** Text that looks like a number does not stay text in such a column: SQLite makes a number of it, and so it is one here. */
function numericText(affinity: Affinity, text: string): StoredValue {
  if (INTEGER.test(text)) {
    const whole = BigInt(text)
    if (BigInt.asIntN(64, whole) === whole) return affinity === 'real' ? Number(text) : whole
  }
  const number = Number(text)
  if (!DECIMAL.test(text) || !Number.isFinite(number)) return text
  return affinity !== 'real' && Number.isSafeInteger(number) ? BigInt(number) : number
}

function storedValue(affinity: Affinity, value: unknown): StoredValue {
  if (value instanceof Uint8Array || typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number') return affinity !== 'real' && Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value) : value
  if (typeof value === 'string' && affinity !== 'blob') return affinity === 'text' ? value : numericText(affinity, value)
  if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) throw new ValueError('a value that SQLite stores was expected')
  // What else a record holds for the column: base64, a value under the name of its storage class.
  const token = Buffer.from(printExactJson(value as ExactJson))
  return dynamicDecoder(affinity)(token, 0, token.byteLength)
}
