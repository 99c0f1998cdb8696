import type { EntityKind, EntityMapping } from '../contracts/entity-descriptor.ts'
import { ownersOf } from './companions.ts'
import { ignoreReason } from './entity-claims.ts'
import { EntityIndex, type MappedStore } from './entity-index.ts'
import { PlanProblem } from './plan-problem.ts'
import type { InclusionCause, PlanResolution } from './plan-resolution.ts'

/** One thing that an ORM maps, and what becomes of it. */
export interface InventoryEntity {
  readonly store: string
  readonly entity: string
  /** `view` for views and virtual entities, which are never backed up as such. */
  readonly kind: EntityKind | 'view'
  /** Schema-qualified where the ORM says so; null for a view. */
  readonly table: string | null
  /** `uncovered`: in no plan, and nobody said why. */
  readonly state: 'included' | 'excluded' | 'uncovered'
  /** The plans that include it. */
  readonly plans: readonly { readonly id: string; readonly because: InclusionCause }[]
  /** Why it is excluded; null when it is not. */
  readonly reason: string | null
}

/** Every mapped entity of every store. */
export interface Inventory {
  readonly entities: readonly InventoryEntity[]
  /** No entity is uncovered. */
  readonly healthy: boolean
  /** One for each uncovered entity. */
  readonly warnings: readonly PlanProblem[]
}

/** Holds what the ORMs map against what the plans take. Asks no database. */
export function inventory(stores: readonly MappedStore[], plans: readonly PlanResolution[]): Inventory {
  const index = new EntityIndex(stores)
  const entities = stores.flatMap(({ name: store, mapping }) => [
    ...mapping.entities.map((entity) => take(index, store, entity, plans)),
    ...mapping.excluded.map(({ name, reason }): InventoryEntity => ({ store, entity: name, kind: 'view', table: null, state: 'excluded', plans: [], reason })),
  ])
  const uncovered = entities.filter(({ state }) => state === 'uncovered')
  return Object.freeze({ entities: Object.freeze(entities), healthy: uncovered.length === 0, warnings: Object.freeze(uncovered.map(warning)) })
}

function take(index: EntityIndex, store: string, entity: EntityMapping, plans: readonly PlanResolution[]): InventoryEntity {
  const including = plans.flatMap(({ plan, inclusions }) =>
    inclusions.filter((inclusion) => inclusion.store === store && inclusion.entity === entity.name).map(({ because }) => ({ id: plan.id, because })),
  )
  const reason = including.length > 0 ? null : exclusionReason(index, store, entity, plans)
  const table = entity.schema === undefined ? entity.table : `${entity.schema}.${entity.table}`
  const state = including.length > 0 ? 'included' : reason === null ? 'uncovered' : 'excluded'
  return { store, entity: entity.name, kind: entity.kind, table, state, plans: including, reason }
}

/** By decorator, by a plan, or, for junction and closure tables, because an entity that they link is. */
function exclusionReason(index: EntityIndex, store: string, entity: EntityMapping, plans: readonly PlanResolution[]): string | null {
  const decorated = ignoreReason(entity)
  if (decorated !== null) return decorated
  for (const { omissions } of plans) {
    const omission = omissions.find((candidate) => candidate.store === store && candidate.entity === entity.name)
    if (omission) return omission.reason
  }
  if (entity.kind === 'entity') return null
  for (const owner of ownersOf(index, store, entity) ?? []) {
    const mapping = index.byName(store, owner)
    const included = plans.some(({ inclusions }) => inclusions.some((inclusion) => inclusion.store === store && inclusion.entity === owner))
    const reason = mapping && mapping !== entity && !included ? exclusionReason(index, store, mapping, plans) : null
    if (reason !== null) return `${entity.kind} table of ${owner}, which is excluded: ${reason}`
  }
  return null
}

function warning({ store, entity, kind }: InventoryEntity): PlanProblem {
  const remedy =
    kind === 'entity' ? 'Include it in a plan, or exclude it with a reason' : 'Include all the entities that it links in one plan, or exclude it with a reason'
  return new PlanProblem(`${store}.${entity}`, null, 'it is in no plan, and nobody said why', remedy)
}
