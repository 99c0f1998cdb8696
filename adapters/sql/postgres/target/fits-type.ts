import type { FieldDescriptor } from '../../../../src/contracts/entity-descriptor.ts'
import type { FieldType } from '../../../../src/contracts/field-type.ts'

type TypedField = Pick<FieldDescriptor, 'type' | 'dbType'>

/** `numeric(10,2)` → name `numeric`, modifiers [10, 2], array suffix. `timestamp(3) with time zone` keeps its tail in the name. */
interface TypeName {
  readonly name: string
  readonly modifiers: readonly number[]
}

/**
 * Whether every value of the record's column is kept exactly by the live one: the same type, or one that is wider in a way that changes no
 * output text. A narrower column is refused rather than tried: PostgreSQL rounds numerics and timestamps to their modifier in silence.
 */
export function fitsType(record: TypedField, live: TypedField): boolean {
  if (!sameKind(record.type, live.type)) return false
  if (record.dbType === live.dbType) return true
  const [from, to] = [parseType(record.dbType), parseType(live.dbType)]
  if (from.name === to.name) return keepsModifiers(from, to)
  if (WIDER[from.name]?.includes(to.name)) return to.modifiers.length === 0
  // The same enum, domain or extension type in another schema.
  return record.type.kind === 'text' && isQualified(from.name) && isQualified(to.name) && unqualified(from.name) === unqualified(to.name)
}

const WIDER: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer'],
  real: ['double precision'],
  'character varying': ['text'],
}

function sameKind(a: FieldType, b: FieldType): boolean {
  if (a.kind !== b.kind) return false
  return a.kind !== 'array' || b.kind !== 'array' || (a.delimiter === b.delimiter && sameKind(a.element, b.element))
}

function keepsModifiers({ name, modifiers: from }: TypeName, { modifiers: to }: TypeName): boolean {
  const base = name.replace(/(\[\])+$/, '')
  if (base === 'character' || base === 'bit') return from[0] === to[0] // padded to their length
  if (to.length === 0) return true
  if (from.length === 0) return false
  // The scale is part of a numeric's text: 1.00 would come back as 1.000.
  if (base === 'numeric') return (from[1] ?? 0) === (to[1] ?? 0) && to[0]! >= from[0]!
  return from.length === 1 && to.length === 1 && to[0]! >= from[0]!
}

function parseType(dbType: string): TypeName {
  const match = /^("(?:[^"]|"")*"(?:\."(?:[^"]|"")*")?|[^("]+)\(([-\d, ]+)\)(.*)$/.exec(dbType)
  if (!match) return { name: dbType, modifiers: [] }
  return { name: `${match[1]}${match[3]}`, modifiers: match[2]!.split(',').map(Number) }
}

const isQualified = (name: string): boolean => name.includes('.')
const unqualified = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
