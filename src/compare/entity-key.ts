import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { EntityKey } from '../contracts/entity-key.ts'
import type { FieldType } from '../contracts/field-type.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { isBase64, isWrittenBytes, readBytes } from '../contracts/written-bytes.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { dynamicEncoder, encodeInteger, encodeText, keyTextOf, type StoredValue } from '../record/index.ts'

/** @throws `E_CONFIG` when the values are not those of the entity's key fields */
export function entityKeyText(descriptor: EntityDescriptor, key: EntityKey): KeyText {
  const values = keyValues(descriptor, key)
  return keyTextOf(
    descriptor.key.map((path, at) => {
      const field = descriptor.fields.find((candidate) => candidate.path === path)!
      const token = keyToken(field, values[at])
      if (token === null) throw wrongKey(descriptor, `${path} (${field.dbType}) cannot be ${shape(values[at])}`)
      return token
    }),
  )
}

function keyValues(descriptor: EntityDescriptor, key: EntityKey): readonly unknown[] {
  const { key: paths } = descriptor
  if (typeof key !== 'object' || key === null || key instanceof Uint8Array || (isWrittenBytes(key) && !paths.includes('blob'))) {
    if (paths.length === 1) return [key]
    throw wrongKey(descriptor, `it has ${paths.length} fields`)
  }
  if (Array.isArray(key)) {
    if (key.length === paths.length) return key
    throw wrongKey(descriptor, `${key.length} values were given`)
  }
  const given = new Map(Object.entries(key))
  if (given.size !== paths.length || !paths.every((path) => given.has(path))) throw wrongKey(descriptor, `given were ${[...given.keys()].join(', ')}`)
  return paths.map((path) => given.get(path))
}

/** The token of a value in a field; null when no record can have that value there, or in more than one spelling. */
export function keyToken({ type, dbType, generation }: FieldDescriptor, given: unknown): string | null {
  const value = readBytes(given)
  switch (type.kind) {
    case 'int': {
      const integer = integerOf(value)
      return integer === null || !Number.isSafeInteger(Number(integer)) ? null : `${integer}`
    }
    case 'bigint': {
      const integer = integerOf(value)
      return integer === null ? null : `"${integer}"`
    }
    case 'boolean':
      return typeof value === 'boolean' ? `${value}` : null
    case 'float':
      return typeof value === 'number' && Number.isFinite(value) ? JSON.stringify(value) : null
    case 'bytes':
      if (typeof value === 'string') return isBase64(value) ? encodeText(value) : null
      return value instanceof Uint8Array ? encodeText(Buffer.from(value).toString('base64')) : null
    case 'dynamic':
      // SQLite's row id is an integer, whatever is asked for.
      return generation === 'identity' && integerOf(value) === null ? null : dynamicToken(type, value)
    case 'text':
      if (typeof value !== 'string') return null
      return encodeText(dbType === 'uuid' ? value.toLowerCase() : value)
    case 'decimal':
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? encodeText(`${value}`) : null
    case 'timestamp':
      return typeof value === 'string' ? encodeText(value) : null
    default:
      return null
  }
}

function dynamicToken({ affinity }: FieldType & { readonly kind: 'dynamic' }, value: unknown): string | null {
  const encode = dynamicEncoder(affinity)
  const integer = typeof value === 'string' && affinity !== 'integer' ? null : integerOf(value)
  if (integer !== null && affinity !== 'real' && affinity !== 'text') return affinity === 'integer' ? encodeInteger(integer) : encode(integer)
  if (affinity === 'text' && (typeof value === 'number' || typeof value === 'bigint')) return encode(`${value}`)
  if (typeof value === 'bigint') return encode(affinity === 'real' ? Number(value) : value)
  if (typeof value === 'boolean') return encode(value ? 1n : 0n)
  const stored = typeof value === 'number' || typeof value === 'string' || value instanceof Uint8Array ? (value satisfies StoredValue) : null
  return stored === null ? null : encode(stored)
}

function integerOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  return typeof value === 'string' && /^(?:0|-?[1-9][0-9]*)$/.test(value) ? BigInt(value) : null
}

function shape(value: unknown): string {
  return value === null ? 'null' : value instanceof Date ? 'a Date' : `a ${typeof value}`
}

function wrongKey(descriptor: EntityDescriptor, why: string): HoldfastError {
  const hasBytes = descriptor.fields.some(({ path, type }) => descriptor.key.includes(path) && (type.kind === 'bytes' || type.kind === 'dynamic'))
  return new HoldfastError('E_CONFIG', `this is no key of "${descriptor.name}": ${why}`, {
    hint: `Its key is ${descriptor.key.join(', ')}: give the value, the values in that order, or an object by these names.${hasBytes ? ' Bytes are { "blob": "<base64, with padding>" }.' : ''}`,
  })
}
