import type { FieldDescriptor } from '../../../../src/contracts/entity-descriptor.ts'

type TypedField = Pick<FieldDescriptor, 'type' | 'dbType'>

/** `int(10) unsigned` → name `int`, modifiers [10], unsigned; `enum('a','b')` has members. */
interface TypeName {
  readonly name: string
  readonly modifiers: readonly number[]
  readonly members: readonly string[]
  readonly unsigned: boolean
}

/** From narrow to wide. */
const FAMILIES: readonly (readonly string[])[] = [
  ['tinyint', 'smallint', 'mediumint', 'int'],
  ['bigint'],
  ['float', 'double'],
  ['varchar', 'tinytext', 'text', 'mediumtext', 'longtext'],
  ['varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'],
]

/**
 * Whether the live column keeps every value of the record's: the same type, or a wider one. What it cannot tell (a text that is too long in bytes, a character
 * that the live character set lacks) the database says when records are staged. A type that would round, pad or cut in silence is refused here.
 */
export function fitsType(record: TypedField, live: TypedField): boolean {
  if (record.type.kind !== live.type.kind) return false
  if (record.dbType.toLowerCase() === live.dbType.toLowerCase()) return true
  const [from, to] = [parseType(record.dbType), parseType(live.dbType)]
  if (from.unsigned !== to.unsigned) return false
  const family = FAMILIES.find((names) => names.includes(from.name))
  if (family?.includes(to.name)) {
    const step = family.indexOf(to.name) - family.indexOf(from.name)
    return step > 0 ? to.name !== 'double' || to.modifiers.length === 0 : step === 0 && keepsModifiers(from, to)
  }
  return from.name === to.name && keepsModifiers(from, to)
}

function keepsModifiers({ name, modifiers: from, members: known }: TypeName, { modifiers: to, members }: TypeName): boolean {
  const [width, scale] = [from[0] ?? 0, from[1] ?? 0]
  switch (name) {
    case 'enum':
    case 'set':
      return known.every((member) => members.includes(member))
    case 'decimal':
      // The scale is part of a decimal's text: 1.00 would come back as 1.000.
      return scale === (to[1] ?? 0) && (to[0] ?? 0) >= width
    case 'float':
    case 'double':
      return to.length === 0 || (from.length === 2 && to[0]! >= width && to[1]! >= scale)
    case 'binary':
      return width === to[0] // padded to its length
    case 'char':
    case 'varchar':
    case 'varbinary':
    case 'bit':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return (to[0] ?? 0) >= width
    default:
      return true // a display width
  }
}

function parseType(dbType: string): TypeName {
  const [, name = dbType, inner = '', rest = ''] = /^([a-z0-9 ]+?)(?:\((.*)\))?((?: [a-z ]+)?)(?: \/\*.*)?$/is.exec(dbType) ?? []
  const members = inner.startsWith("'") ? [...inner.matchAll(/'((?:[^']|'')*)'/g)].map((match) => match[1]!) : []
  const modifiers = members.length > 0 || inner === '' ? [] : inner.split(',').map(Number)
  return { name: name.toLowerCase().replace(/ (unsigned|zerofill).*/, ''), modifiers, members, unsigned: /\bunsigned\b/i.test(`${name} ${rest}`) }
}
