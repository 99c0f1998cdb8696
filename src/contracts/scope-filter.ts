import type { EntitySelection } from './entity-store.ts'
import type { RowOwner } from './row-owner.ts'

/** What a selection says of the tenant: only its rows, where the entity's rows lead to one. Nothing where there is no tenant, or the entity is of all tenants. */
export function scopeFilter(owner: RowOwner | undefined, tenant: string | null | undefined): Pick<EntitySelection, 'filter'> {
  return owner && typeof tenant === 'string' ? { filter: { ...owner, value: tenant } } : {}
}
