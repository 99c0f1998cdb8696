import type { Masker } from '../contracts/masker.ts'
import { isEntityClass, type EntityClass } from './entity-reference.ts'
import { PlanProblem, planInvalid } from './plan-problem.ts'

/** What `@BackupEntity` said of a class. */
export interface EntityMark {
  readonly kind: 'entity'
  /** Ids of the plans it is meant for; null for every plan that collects decorated classes. */
  readonly plans: readonly string[] | null
  readonly store: string | null
  readonly bucket: string | null
  readonly ignore: readonly string[]
  readonly sensitive: readonly string[]
  readonly tenant: string | null
  readonly cursor: string | null
}

/** What `@BackupIgnore` said of a class. */
export interface IgnoreMark {
  readonly kind: 'ignore'
  readonly reason: string
}

export type ClassMark = EntityMark | IgnoreMark

/** What one property decorator said. */
export interface PropertyMark {
  readonly decorator: '@BackupIgnore' | '@Sensitive' | '@TenantProperty'
  readonly property: string
  /** Why it is left out; null when not said or not left out. */
  readonly reason: string | null
  /** What replaces its values in a masked restore. */
  readonly mask?: Masker
}

/** A property mark and the class it was written in, which may be a superclass of the one asked about. */
export interface InheritedPropertyMark extends PropertyMark {
  readonly writtenIn: EntityClass<object>
}

interface OwnFacts {
  mark: ClassMark | null
  readonly properties: PropertyMark[]
}

/**
 * Decorators say class and property facts only; types and columns come from the ORM's metadata. Legacy decorators are remembered by class.
 * An ES property decorator is not told its class, only the metadata object that the runtime hangs on the class as `Symbol.metadata`, and where
 * the runtime lacks that symbol compilers leave the object away. So the symbol is filled in here (as ORMs do), before any class can use a decorator.
 */
const facts = new WeakMap<object, OwnFacts>()
const symbols = Symbol as unknown as { metadata?: symbol }
const METADATA: symbol = (symbols.metadata ??= Symbol.for('Symbol.metadata'))

export function rememberMark(owner: object, label: string, mark: ClassMark): void {
  const own = ownFacts(owner)
  if (own.mark) {
    const problem = own.mark.kind === mark.kind ? 'the class is decorated twice' : 'the class is both included and excluded'
    throw planInvalid('a decorator', [
      new PlanProblem(label, mark.kind === 'entity' ? '@BackupEntity' : '@BackupIgnore', problem, 'Keep one of the two decorators'),
    ])
  }
  own.mark = mark
}

export function rememberProperty(owner: object, mark: PropertyMark): void {
  ownFacts(owner).properties.push(mark)
}

/** The mark written on this very class. */
export function ownMark(target: unknown): ClassMark | null {
  return isEntityClass(target) ? (recorded(target).find((own) => own.mark)?.mark ?? null) : null
}

/** The mark of the class or else of its nearest superclass that has one. */
export function classMark(target: unknown): ClassMark | null {
  for (const ancestor of lineage(target)) {
    const mark = ownMark(ancestor)
    if (mark) return mark
  }
  return null
}

/** The property marks of the class and all its superclasses. */
export function propertyMarks(target: unknown): InheritedPropertyMark[] {
  return lineage(target).flatMap((ancestor) => recorded(ancestor).flatMap((own) => own.properties.map((mark) => ({ ...mark, writtenIn: ancestor }))))
}

function ownFacts(owner: object): OwnFacts {
  let own = facts.get(owner)
  if (!own) facts.set(owner, (own = { mark: null, properties: [] }))
  return own
}

/** By class (legacy) and by the class's own metadata object (ES). */
function recorded(target: EntityClass<object>): OwnFacts[] {
  const metadata: unknown = Object.getOwnPropertyDescriptor(target, METADATA)?.value
  const owners = typeof metadata === 'object' && metadata !== null ? [target, metadata] : [target]
  return owners.map((owner) => facts.get(owner)).filter((own) => own !== undefined)
}

function lineage(target: unknown): EntityClass<object>[] {
  const classes: EntityClass<object>[] = []
  for (let next: unknown = target; isEntityClass(next); next = Object.getPrototypeOf(next)) classes.push(next)
  return classes
}
