/** One foreign key on the way from a row to its tenant, by property paths on both sides. */
export interface OwnerStep {
  readonly fields: readonly string[]
  /** Name of the entity that it leads to, in the same store. */
  readonly entity: string
  /** The key of that entity, in the order of `fields`. */
  readonly references: readonly string[]
}

/** How the rows of an entity lead to their tenant. */
export interface RowOwner {
  /** From the entity to the one that has the tenant's column. Empty when that is the entity itself. */
  readonly path: readonly OwnerStep[]
  /** Property path of that column, in the last entity. */
  readonly field: string
}

/** The rows of one tenant. They are told by the exact text of the column, whatever its collation takes for equal. */
export interface ScopeFilter extends RowOwner {
  /** The tenant, as `assertScopeValue` lets it through. Data, never SQL. */
  readonly value: string
}
