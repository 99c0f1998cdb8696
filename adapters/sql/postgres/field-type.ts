import type { FieldType } from '../../../src/contracts/field-type.ts'

/** The scalar types with a form of their own in a record, by the OIDs that `pg_type.dat` fixes for good. All others are text. */
const KIND_BY_OID: Readonly<Record<string, Exclude<FieldType['kind'], 'array' | 'dynamic'>>> = {
  16: 'boolean',
  17: 'bytes',
  20: 'bigint',
  21: 'int',
  23: 'int',
  26: 'int', // oid: 32 bits without sign
  700: 'float',
  701: 'float',
  1114: 'timestamp',
  1184: 'timestamp',
  1700: 'decimal',
  3802: 'jsonb',
  5069: 'bigint', // xid8
}

/** A type as the catalog query resolves it: through domains to the type that stores. */
export interface StoredType {
  /** OID of the base type, as text. */
  readonly oid: string
  /** Present for true arrays only: not for `int2vector`, `point`, `name` and other types that can be subscripted. */
  readonly element?: { readonly oid: string; readonly delimiter: string; readonly isArray: boolean } | null
}

/**
 * The record form of a PostgreSQL type. Enums, composites, ranges, `money`, `hstore`, `citext`, `json`, `uuid`, `date`, `interval` and whatever an
 * extension brings are `text`: the exact output of the type.
 */
export function toFieldType(type: StoredType): FieldType {
  if (!type.element) return scalar(type.oid)
  // An array of a domain over an array nests array literals as quoted elements: text, as any other quoted element.
  const element = type.element.isArray ? ({ kind: 'text' } as const) : scalar(type.element.oid)
  return { kind: 'array', element, delimiter: type.element.delimiter }
}

const scalar = (oid: string): FieldType => ({ kind: KIND_BY_OID[oid] ?? 'text' })
