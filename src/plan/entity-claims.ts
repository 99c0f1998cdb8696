import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import { classMark, ownMark, propertyMarks, type EntityMark, type PropertyMark } from './class-facts.ts'
import { childClasses, classesOf, ownClasses, type EntityIndex } from './entity-index.ts'
import type { PlanEntity } from './entity-options.ts'
import type { EntityClass } from './entity-reference.ts'
import type { FieldClaim } from './resolve-fields.ts'

/** A class mark of a table and where it was written. */
export interface LabelledMark {
  readonly mark: EntityMark
  readonly label: string
}

const SAYS: Record<PropertyMark['decorator'], FieldClaim['says']> = { '@BackupIgnore': 'ignore', '@Sensitive': 'sensitive', '@TenantProperty': 'tenant' }

/** `@BackupEntity` on the class of a table, or on one of its single-table children. */
export function entityMarks(entity: EntityMapping): LabelledMark[] {
  const own = ownClasses(entity).map((target) => ({ mark: classMark(target), label: target.name }))
  const children = childClasses(entity).map((target) => ({ mark: ownMark(target), label: target.name }))
  return [...own, ...children].flatMap(({ mark, label }) => (mark?.kind === 'entity' ? [{ mark, label }] : []))
}

/** Why `@BackupIgnore` on the class of a table excludes it; null when it does not. */
export function ignoreReason(entity: EntityMapping): string | null {
  for (const target of ownClasses(entity)) {
    const mark = classMark(target)
    if (mark?.kind === 'ignore') return mark.reason
  }
  return null
}

/** Single-table children that are excluded by `@BackupIgnore`, which part of a table cannot be. */
export function ignoredChildren(entity: EntityMapping): string[] {
  return childClasses(entity)
    .filter((target) => ownMark(target)?.kind === 'ignore')
    .map((target) => target.name)
}

/** Everything that one declaration of a plan says of properties. */
export function declaredClaims(declared: PlanEntity, path: string): FieldClaim[] {
  return optionClaims(declared, `${path}.`)
}

/** Everything that decorators say of the properties of a table: on its class, superclasses, single-table children and embedded classes. */
export function decoratedClaims(index: EntityIndex, store: string, entity: EntityMapping): FieldClaim[] {
  const inTable = [...ownClasses(entity), ...childClasses(entity)]
  const claims = inTable.flatMap((target) =>
    propertyMarks(target).map((mark) => propertyClaim(mark, '', !inTable.includes(mark.writtenIn) && isMapped(index, store, mark.writtenIn))),
  )
  const embedded = (entity.embedded ?? []).flatMap(({ path, target }) =>
    classesOf(target).flatMap((owner) => propertyMarks(owner).map((mark) => propertyClaim(mark, `${path}.`, false))),
  )
  const options = entityMarks(entity).flatMap(({ mark, label }) => optionClaims(mark, `${label}.@BackupEntity.`))
  return distinct([...claims, ...embedded, ...options])
}

function optionClaims(
  options: { readonly ignore?: readonly string[]; readonly sensitive?: readonly string[]; readonly tenant?: string | null; readonly cursor?: string | null },
  prefix: string,
): FieldClaim[] {
  const claim = (says: FieldClaim['says'], path: string, property: string): FieldClaim => ({
    says,
    property,
    path: prefix + path,
    found: property,
    reason: null,
    elsewhere: false,
  })
  return [
    ...texts(options.ignore).map((property, index) => claim('ignore', `ignore[${index}]`, property)),
    ...texts(options.sensitive).map((property, index) => claim('sensitive', `sensitive[${index}]`, property)),
    ...texts([options.tenant]).map((property) => claim('tenant', 'tenant', property)),
    ...texts([options.cursor]).map((property) => claim('cursor', 'cursor', property)),
  ]
}

function propertyClaim(mark: PropertyMark & { readonly writtenIn: EntityClass }, prefix: string, elsewhere: boolean): FieldClaim {
  const { decorator, property, reason, writtenIn } = mark
  return { says: SAYS[decorator], property: prefix + property, path: `${writtenIn.name}.${property}`, found: decorator, reason, elsewhere }
}

function isMapped(index: EntityIndex, store: string, target: EntityClass): boolean {
  return index.locate({ name: target.name, targets: [target] }, store).length > 0
}

/** Single-table children repeat the marks of their parents. */
function distinct(claims: readonly FieldClaim[]): FieldClaim[] {
  return [...new Map(claims.map((claim) => [JSON.stringify([claim.says, claim.property, claim.path]), claim])).values()]
}

/** What is no text is reported where the shape of the declaration is checked. */
function texts(values: unknown): string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string' && value.trim() !== '') : []
}
