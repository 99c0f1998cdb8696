import type { SoughtValues } from '../archive/index.ts'
import { keyToken } from '../compare/entity-key.ts'
import type { EntityDescriptor, FieldDescriptor, ReferenceDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { keyTextOf, parseKeyText } from '../record/index.ts'
import type { PickedRecord } from './picked-entity.ts'

/** A reference from one entity to the key of another. */
export interface EntityLink {
  readonly child: EntityDescriptor
  readonly parent: EntityDescriptor
  /** Fields of the child, in the order of the parent's key. */
  readonly fields: readonly FieldDescriptor[]
  /** Only records with one of these values refer to the parent. */
  readonly when?: ReferenceDescriptor['when']
  /** Both are parts of one record: the parent's table holds the rest of the child's rows (table-per-type inheritance). */
  readonly sameRecord: boolean
}

/** References to keys. Those to other columns are followed by the database alone, which refuses a row without its parent. */
export function linksOf(entities: readonly EntityDescriptor[]): readonly EntityLink[] {
  return entities.flatMap((child) => child.references.flatMap((reference) => linkOf(child, reference, entities) ?? []))
}

function linkOf(child: EntityDescriptor, { entity, fields, columns, when }: ReferenceDescriptor, entities: readonly EntityDescriptor[]): EntityLink | null {
  const parent = entities.find(({ name, store }) => name === entity && store === child.store)
  if (!parent || fields.length !== parent.key.length) return null
  const own = parent.key.map((path) => {
    const { column } = parent.fields.find((field) => field.path === path)!
    const at = columns.findIndex((name) => name.toLowerCase() === column.toLowerCase())
    return child.fields.find((field) => field.path === fields[at])
  })
  return own.every((field) => field !== undefined)
    ? { child, parent, fields: own, sameRecord: child.inherits === parent.name && isKey(child, own), ...(when ? { when } : {}) }
    : null
}

function isKey({ key }: EntityDescriptor, fields: readonly (FieldDescriptor | undefined)[]): boolean {
  return fields.length === key.length && fields.every((field) => field !== undefined && key.includes(field.path))
}

/** The key of the parent that the record refers to; null when it refers to none. */
export function parentKey({ parent, fields, when }: EntityLink, record: PickedRecord): KeyText | null {
  if (when && !when.values.includes(String(JSON.parse(record.token(when.field))))) return null
  const tokens: string[] = []
  for (const [at, field] of fields.entries()) {
    const token = record.token(field.path)
    if (token === 'null') return null
    const spelt = respelt(
      token,
      field,
      parent.fields.find(({ path }) => path === parent.key[at])!,
    )
    if (spelt === null) return null
    tokens.push(spelt)
  }
  return keyTextOf(tokens)
}

/** How the child writes the values of the parent's keys, field by field; null when it cannot write one of them. */
export function childTokens({ parent, fields }: EntityLink, keys: readonly KeyText[]): readonly SoughtValues[] | null {
  const tuples = keys.map((key) => parseKeyText(key))
  const sought: SoughtValues[] = []
  for (const [at, field] of fields.entries()) {
    const from = parent.fields.find(({ path }) => path === parent.key[at])!
    const values = new Set(tuples.map((tuple) => respelt(tuple[at]!, from, field)))
    if (values.has(null)) return null
    sought.push({ field: field.path, values: [...(values as ReadonlySet<string>)] })
  }
  return sought
}

/** One value, as the record of another field has it. */
function respelt(token: string, from: FieldDescriptor, to: FieldDescriptor): string | null {
  return from.type.kind === to.type.kind ? token : keyToken(to, JSON.parse(token))
}
