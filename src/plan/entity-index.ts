import type { EntityMapping, ExcludedMapping } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import { isEntityClass, referenceFacts, type EntityClass, type ReferenceFacts } from './entity-reference.ts'

/** All that is needed of an entity store to check a plan: no database is asked. */
export type MappedStore = Pick<EntityStore, 'name' | 'mapping'>

/** A mapped table, and under which name of it it was found. */
export interface LocatedEntity {
  readonly store: string
  readonly mapping: EntityMapping
  /** Name of the single-table child that was named instead of the table's own entity; null for that one. */
  readonly child: string | null
}

export interface LocatedExclusion {
  readonly store: string
  readonly excluded: ExcludedMapping
}

/** Finds in the mappings of all stores what a plan names. */
export class EntityIndex {
  readonly stores: readonly MappedStore[]

  constructor(stores: readonly MappedStore[]) {
    this.stores = stores
  }

  /** Every mapping that the reference may mean: in one store, or in all. */
  locate(reference: ReferenceFacts, store: string | null): LocatedEntity[] {
    return this.#searched(store).flatMap(({ name, mapping }) =>
      mapping.entities.flatMap((entity): LocatedEntity[] => {
        if (matches(reference, entity)) return [{ store: name, mapping: entity, child: null }]
        const alias = entity.aliases.find((candidate) => matches(reference, candidate))
        return alias ? [{ store: name, mapping: entity, child: alias.name === entity.name ? null : alias.name }] : []
      }),
    )
  }

  /** Views and the like that the reference may mean. */
  locateExcluded(reference: ReferenceFacts, store: string | null): LocatedExclusion[] {
    return this.#searched(store).flatMap(({ name, mapping }) =>
      mapping.excluded.filter((excluded) => matches(reference, excluded)).map((excluded) => ({ store: name, excluded })),
    )
  }

  /** The table behind an entity name of a store, also behind a single-table child's. */
  byName(store: string, entity: string): EntityMapping | null {
    return this.locate({ name: entity, targets: [] }, store)[0]?.mapping ?? null
  }

  entityNames(store: string | null): string[] {
    return this.#searched(store).flatMap(({ mapping }) => mapping.entities.flatMap((entity) => [entity.name, ...entity.aliases.map((alias) => alias.name)]))
  }

  #searched(store: string | null): readonly MappedStore[] {
    return store === null ? this.stores : this.stores.filter(({ name }) => name === store)
  }
}

/** The classes behind a mapping's target: itself, or the one its schema is bound to. */
export function classesOf(target: unknown): EntityClass<object>[] {
  return (referenceFacts(target)?.targets ?? []).filter((found) => isEntityClass(found))
}

/** The classes of the table's own entity. A schema and the class that it is bound to may both stand for it, the second as an alias of the same name. */
export function ownClasses(entity: EntityMapping): EntityClass<object>[] {
  return distinctClasses([entity.target, ...entity.aliases.filter((alias) => alias.name === entity.name).map((alias) => alias.target)])
}

/** The classes of single-table children. */
export function childClasses(entity: EntityMapping): EntityClass<object>[] {
  return distinctClasses(entity.aliases.filter((alias) => alias.name !== entity.name).map((alias) => alias.target))
}

function distinctClasses(targets: readonly unknown[]): EntityClass<object>[] {
  return [...new Set(targets.flatMap(classesOf))]
}

function matches(reference: ReferenceFacts, mapped: { readonly name: string; readonly target?: unknown }): boolean {
  if (reference.targets.length === 0) return mapped.name === reference.name
  const targets: unknown[] = mapped.target === undefined ? [] : [mapped.target, ...classesOf(mapped.target)]
  if (reference.targets.some((target) => targets.includes(target))) return true
  // A TypeORM schema without a class is known to its connection by name only. A class never matches by name: it may be another class.
  return (
    !reference.targets.some(isEntityClass) && !targets.some((target) => typeof target === 'object' || isEntityClass(target)) && mapped.name === reference.name
  )
}
