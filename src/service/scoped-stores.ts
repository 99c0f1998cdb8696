import type { EntityStore } from '../contracts/entity-store.ts'
import { HoldfastError } from '../kernel/errors.ts'
import type { Manifest } from '../archive/index.ts'
import type { IBackupPlanRegistry, ResolvedPlan } from '../plan/index.ts'

/**
 * The stores that a plan works on for a tenant: those of the application, or, where each tenant has tables of its own, the ones that the plan's `stores` gives in their place.
 *
 * @throws `E_SCOPE` when what it gives does not stand for what the plan was checked against
 */
export async function scopedStores(
  { id, scope, entities }: Pick<ResolvedPlan, 'id' | 'scope' | 'entities'>,
  tenant: string | null,
  stores: ReadonlyMap<string, EntityStore>,
): Promise<ReadonlyMap<string, EntityStore>> {
  if (scope?.by !== 'store' || !scope.stores || tenant === null) return stores
  const own = new Map((await scope.stores(tenant)).map((store) => [store.name, store]))
  const wrong = (problem: string) => new HoldfastError('E_SCOPE', `\`stores\` of the scope of plan "${id}" ${problem}`)
  for (const { store: name, entity } of entities) {
    const [usual, store] = [stores.get(name), own.get(name)]
    if (!store) throw wrong(`gives no store "${name}"`)
    if (store === usual) throw wrong(`gives the store "${name}" of the application itself, whose tables are not those of one tenant`)
    if (store.dialect !== usual?.dialect) throw wrong(`gives a store "${name}" of another dialect`)
    if (!store.mapping.entities.some((mapping) => mapping.name === entity)) throw wrong(`gives a store "${name}" that does not map ${entity}`)
  }
  return new Map([...stores, ...own])
}

/**
 * The live stores of a tenant's snapshot.
 *
 * @param byRow the tables are of all tenants, and each row says or leads to whose it is
 * @throws `E_PLAN_UNKNOWN` for a tenant with tables of its own whose plan is declared no longer, `E_SCOPE` when the plan has no scope any more: nobody can say where they are
 */
export async function liveStoresOf(
  { planId, tenant, byRow }: { readonly planId: string; readonly tenant: string | null; readonly byRow: boolean },
  stores: ReadonlyMap<string, EntityStore>,
  plans: IBackupPlanRegistry,
): Promise<ReadonlyMap<string, EntityStore>> {
  if (tenant === null || byRow) return stores
  const plan = plans.resolved(planId)
  if (plan.scope?.by === 'store') return scopedStores(plan, tenant, stores)
  throw new HoldfastError('E_SCOPE', `nothing says where the rows of one tenant are: neither what was stored, nor plan "${planId}"`)
}

/** Whether the rows of a snapshot stand in tables of all tenants. */
export function isByRow({ entities }: Pick<Manifest, 'entities'>): boolean {
  return entities.some(({ owner, shared }) => owner !== undefined || shared === true)
}
