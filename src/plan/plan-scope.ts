import type { EntityStore } from '../contracts/entity-store.ts'

/** Gives the stores of one tenant: under the names and of the dialects that the plan knows them by. The application keeps and closes them. */
export type StoresOfScope = (scope: string) => readonly EntityStore[] | Promise<readonly EntityStore[]>

/**
 * A plan with a scope backs up one tenant a run, into a sub-repository of its own: every run names the tenant, and none can be without.
 *
 * `column`: tenants share tables. An entity with a tenant property gives the rows in which it is exactly the tenant; one without gives those that lead to such a row by foreign keys (`EntityOptions.tenantThrough`
 * says by which, where there are several). What neither has a tenant nor leads to one is shared, and `shared` must say what becomes of it.
 *
 * `store`: each tenant has tables of its own, in a schema or a database; `stores` gives the connections.
 */
export type PlanScope =
  | {
      readonly by: 'column'
      /**
       * Tables of all tenants together: countries, currencies. `include`: whole in each tenant's snapshots; a restore creates rows that are missing and changes none. `exclude`: in no
       * snapshot. Without default: a plan with such entities that says neither is refused.
       */
      readonly shared?: 'include' | 'exclude'
    }
  | { readonly by: 'store'; readonly stores: StoresOfScope }

/** What of a scope can be kept as data. */
export interface ResolvedScope {
  readonly by: 'column' | 'store'
  readonly stores?: StoresOfScope
}
