import type { Affinity } from '../contracts/field-type.ts'
import { decodeBytes, encodeBytes } from './bytes-token.ts'
import { decodeInteger, encodeInteger, isPlainInteger } from './integer-token.ts'
import { scanValue } from './json-scan.ts'
import { decodeReal, encodeReal } from './real-token.ts'
import { RawText, type StoredValue } from './stored-value.ts'
import { decodeText, encodeText } from './text-token.ts'
import { ValueError } from './value-error.ts'

/** The JSON token of a stored value (`FieldType` has the table). One function a column, chosen once: it runs for every value of a backup. */
export function dynamicEncoder(affinity: Affinity): (value: StoredValue) => string {
  switch (affinity) {
    case 'integer':
      return (value) => (typeof value === 'bigint' ? encodeInteger(value) : tagged(value))
    case 'real':
      return (value) => (typeof value === 'number' ? encodeReal(value) : tagged(value))
    case 'text':
      return (value) => (typeof value === 'string' ? encodeText(value) : tagged(value))
    case 'blob':
      return (value) => (value instanceof Uint8Array ? encodeBytes(value) : tagged(value))
    case 'numeric':
      return (value) => {
        if (typeof value === 'bigint' && isPlainInteger(value)) return `${value}`
        if (typeof value === 'number' && Number.isFinite(value)) return encodeReal(value)
        if (typeof value === 'string') return encodeText(value)
        return tagged(value)
      }
  }
}

function tagged(value: StoredValue): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return `{"integer":${encodeInteger(value)}}`
  if (typeof value === 'number') return `{"real":${encodeReal(value)}}`
  if (typeof value === 'string') return `{"text":${encodeText(value)}}`
  if (value instanceof RawText) return `{"textbytes":${encodeBytes(value.bytes)}}`
  return `{"blob":${encodeBytes(value)}}`
}

/** Reads the JSON token in `bytes` from `start` to `end`; the scanner has seen that it is one. */
export type DynamicDecoder = (bytes: Buffer, start: number, end: number) => StoredValue

/**
 * The exact inverse of `dynamicEncoder`. One value has one form: `{"integer":1}` in an integer column is refused, so that equal values always have
 * equal lines.
 *
 * @throws ValueError from the returned function
 */
export function dynamicDecoder(affinity: Affinity): DynamicDecoder {
  const plain = plainDecoder(affinity)
  const encode = dynamicEncoder(affinity)
  return (bytes, start, end) => {
    const first = bytes[start]
    if (first === 0x6e) return null
    if (first !== 0x7b) return plain(bytes, start, end)
    const value = decodeTagged(bytes, start, end)
    if (encode(value) !== bytes.toString('utf8', start, end))
      throw new ValueError('a storage class is named where it goes without saying, or in another spelling')
    return value
  }
}

function plainDecoder(affinity: Affinity): DynamicDecoder {
  switch (affinity) {
    case 'integer':
      return (bytes, start, end) => decodeInteger(bytes.toString('latin1', start, end))
    case 'real':
      return (bytes, start, end) => decodeReal(bytes.toString('latin1', start, end))
    case 'text':
      return decodeText
    case 'blob':
      return (bytes, start, end) => decodeBytes(bytes.toString('latin1', start, end))
    case 'numeric':
      return (bytes, start, end) => {
        if (bytes[start] === 0x22) return decodeText(bytes, start, end)
        const token = bytes.toString('latin1', start, end)
        return /[.e]/.test(token) ? decodeReal(token) : decodeInteger(token)
      }
  }
}

function decodeTagged(bytes: Buffer, start: number, end: number): StoredValue {
  const colon = start + 1 + bytes.subarray(start + 1, end).indexOf(0x3a)
  const name = bytes.toString('latin1', start + 1, colon)
  const from = colon + 1
  const to = end - 1
  // One member and no more: the scanner saw a whole object, so its first value must reach to the closing brace.
  if (name === '' || scanValue(bytes, from, end) !== to) throw new ValueError('an object of one member was expected')
  switch (name) {
    case '"integer"':
      return decodeInteger(bytes.toString('latin1', from, to))
    case '"real"':
      return decodeReal(bytes.toString('latin1', from, to))
    case '"text"':
      return decodeText(bytes, from, to)
    case '"blob"':
      return decodeBytes(bytes.toString('latin1', from, to))
    case '"textbytes"':
      return new RawText(decodeBytes(bytes.toString('latin1', from, to)))
    default:
      throw new ValueError('an unknown storage class')
  }
}
