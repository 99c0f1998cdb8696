import type { EntityDescriptor, FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { SchemaOutcome } from '../evolution/index.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { EntityShape } from './entity-shape.ts'

/** What is not the same in the declaration of an entity. */
export type SchemaDifference = { readonly store: string; readonly entity: string } & (
  | {
      /** Only one side has the entity: its plan or its database did not, on the other. Its records are not listed: they may have been there all the same. */
      readonly kind: 'entity-added' | 'entity-removed'
    }
  | {
      /** Other key fields, or of another type: records cannot be told which is which, and are not compared. */
      readonly kind: 'key-changed'
      readonly before: string
      readonly after: string
    }
  | {
      /** `field-recoded`: the type is another, and so is how its values are written; the field is not compared. `field-retyped`: values are written alike, and compared. */
      readonly kind: 'field-added' | 'field-removed' | 'field-retyped' | 'field-recoded'
      readonly field: string
      /** The database's names of the types. */
      readonly before?: string
      readonly after?: string
    }
  | {
      /** The name that it had, or the version, and that of today: records are compared under the names of today, and as up-casters make them. */
      readonly kind: 'entity-renamed' | 'field-renamed' | 'upcast'
      /** Null: of an up-caster for every version. */
      readonly before: string | null
      readonly after: string
    }
)

/** Can the records of both be told which is which? */
export function hasSameKey(before: EntityDescriptor, after: EntityDescriptor): boolean {
  return canonicalJson(before.key) === canonicalJson(after.key) && before.key.every((path) => isCoded(fieldAt(before, path), fieldAt(after, path)))
}

/** Are the values of both fields written in the same way? */
export function isCoded(before: FieldDescriptor | undefined, after: FieldDescriptor | undefined): boolean {
  return before !== undefined && after !== undefined && canonicalJson(before.type) === canonicalJson(after.type)
}

export function schemaDifferences(before: EntityDescriptor, after: EntityDescriptor): SchemaDifference[] {
  const of = { store: after.store, entity: after.name }
  const found: SchemaDifference[] = []
  if (!hasSameKey(before, after)) found.push({ ...of, kind: 'key-changed', before: keyTypes(before), after: keyTypes(after) })
  for (const field of before.fields) {
    const now = fieldAt(after, field.path)
    if (!now) found.push({ ...of, kind: 'field-removed', field: field.path, before: field.dbType })
    else if (!isCoded(field, now)) found.push({ ...of, kind: 'field-recoded', field: field.path, before: field.dbType, after: now.dbType })
    else if (field.dbType !== now.dbType) found.push({ ...of, kind: 'field-retyped', field: field.path, before: field.dbType, after: now.dbType })
  }
  for (const field of after.fields) {
    if (!fieldAt(before, field.path)) found.push({ ...of, kind: 'field-added', field: field.path, after: field.dbType })
  }
  return found
}

/** What was done to the records of one side or both, before they were compared. Each is told once. */
export function shapeDifferences(...shapes: readonly EntityShape[]): SchemaDifference[] {
  const found = new Map<string, SchemaDifference>()
  for (const { record, outcomes } of shapes) {
    for (const { kind: outcome, from: before, to: after } of outcomes) {
      const kind = KINDS[outcome]
      if (kind && after !== null) found.set(`${kind} ${before} ${after}`, { store: record.store, entity: record.name, kind, before, after })
    }
  }
  return [...found.values()]
}

/** What was added and removed is seen of the records themselves. */
const KINDS: Partial<Record<SchemaOutcome['kind'], 'entity-renamed' | 'field-renamed' | 'upcast'>> = {
  'entity-renamed': 'entity-renamed',
  renamed: 'field-renamed',
  upcast: 'upcast',
}

function fieldAt(descriptor: EntityDescriptor, path: string): FieldDescriptor | undefined {
  return descriptor.fields.find((field) => field.path === path)
}

function keyTypes(descriptor: EntityDescriptor): string {
  return descriptor.key.map((path) => `${path} ${fieldAt(descriptor, path)?.dbType ?? ''}`).join(', ')
}
