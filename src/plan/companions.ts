import type { EntityMapping, ReferenceDescriptor } from '../contracts/entity-descriptor.ts'
import type { EntityIndex } from './entity-index.ts'
import { PlanProblem } from './plan-problem.ts'
import type { PlanInclusion } from './plan-resolution.ts'

export interface Companion {
  readonly store: string
  readonly mapping: EntityMapping
  readonly owners: readonly string[]
}

/** The junction and closure tables, not named themselves, all of whose foreign keys lead to included entities: their rows belong to those. */
export function findCompanions(
  index: EntityIndex,
  included: (store: string, entity: string) => boolean,
  left: (store: string, entity: string) => boolean,
): Companion[] {
  return index.stores.flatMap(({ name: store, mapping }) =>
    mapping.entities.flatMap((entity): Companion[] => {
      if (entity.kind === 'entity' || included(store, entity.name) || left(store, entity.name)) return []
      const owners = ownersOf(index, store, entity)
      return owners !== null && owners.every((owner) => included(store, owner)) ? [{ store, mapping: entity, owners }] : []
    }),
  )
}

/** The entities that a junction or closure table links; null when a foreign key leads out of what is mapped, or there is none. */
export function ownersOf(index: EntityIndex, store: string, companion: EntityMapping): string[] | null {
  const owners = companion.references.map((reference) => mappedName(index, store, reference)).filter((owner) => owner !== null)
  return owners.length === 0 || owners.length < companion.references.length ? null : [...new Set(owners)]
}

/** What a restore of this plan alone may miss: parents outside the plan, and links of which only one side is inside. */
export function outsideWarnings(index: EntityIndex, inclusions: readonly PlanInclusion[], left: (store: string, entity: string) => boolean): PlanProblem[] {
  const inside = (store: string, entity: string) => inclusions.some((inclusion) => inclusion.store === store && inclusion.entity === entity)
  const parents = inclusions.flatMap(({ store, entity, ignore }) => {
    const references = index.byName(store, entity)?.references ?? []
    const outside = new Set(
      references
        .filter((reference) => !reference.fields.every((field) => ignore.includes(field)))
        .map((reference) => mappedName(index, store, reference) ?? `table ${reference.table}`)
        .filter((parent) => !inside(store, parent)),
    )
    return [...outside].map(
      (parent) =>
        new PlanProblem(
          entity,
          parent,
          `its rows refer to ${parent}, which is not in the plan`,
          'A restore needs those parents to be there still; include them if they may be lost too',
        ),
    )
  })
  const links = index.stores.flatMap(({ name: store, mapping }) =>
    mapping.entities.flatMap((entity) => {
      if (entity.kind === 'entity' || inside(store, entity.name) || left(store, entity.name)) return []
      const owners = ownersOf(index, store, entity) ?? []
      const missing = owners.filter((owner) => !inside(store, owner))
      if (missing.length === 0 || missing.length === owners.length) return []
      return [
        new PlanProblem(
          entity.name,
          missing.join(', '),
          `it links ${owners.join(' and ')}, and only one side is in the plan, so the links are not backed up`,
          `Include ${missing.join(', ')}, or name "${entity.name}" in the plan`,
        ),
      ]
    }),
  )
  return [...parents, ...links]
}

/** The entity whose table a foreign key leads to; null when that table is not mapped. */
function mappedName(index: EntityIndex, store: string, reference: ReferenceDescriptor): string | null {
  return reference.entity === undefined ? null : (index.byName(store, reference.entity)?.name ?? null)
}
