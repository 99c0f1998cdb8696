import type { EntityOf, EntityReference } from './entity-reference.ts'
import type { PropertyPath } from './property-path.ts'

/**
 * What a plan says of one entity beyond naming it. A path stands for everything below it: `address` for all columns of an embedded
 * address, `customer` for the foreign key. Decorators on the class hold as well; these are added to them.
 */
export interface EntityOptions<Path extends string = string> {
  /** Left out of the records, and untouched by a restore. Never a key, version, tenant or discriminator property. */
  readonly ignore?: readonly Path[]
  /** In the records, but never in samples, diagnostics or logs. Never a key property, as keys name records there. */
  readonly sensitive?: readonly Path[]
  /** Says which tenant a row belongs to. One column. */
  readonly tenant?: Path
  /** In a plan with a scope by column, of an entity without tenant property: the foreign key by which a row belongs to its tenant: its property, or a column of it that is a property of its own. Needed where several lead to one. */
  readonly tenantThrough?: Path
  /**
   * The property that every write of a row moves: a version, or an updated-at that the database itself sets. Incremental backups then go by keys and this column alone: a **guess** about the
   * application, which the manifest says (`cursor`, consistency `fuzzy`). A write that leaves it as it is goes unseen until the next reconciling run: `policy.reconcileEvery` must be set. For databases that can only
   * read or hash every column to tell; PostgreSQL proves more for less. One column, never of the key. Default: none.
   */
  readonly cursor?: Path
  /** Entity store, needed where several map the entity. Default: the one that does. */
  readonly store?: string
  /** Storage bucket of its chunks. Default: the plan's. */
  readonly bucket?: string
}

/** One entity of a plan, as declared. */
export interface PlanEntity extends EntityOptions {
  readonly entity: EntityReference
}

/** One entity that a plan leaves out on purpose. */
export interface PlanExclusion {
  readonly entity: EntityReference
  /** Shown by the inventory. */
  readonly reason: string
  /** Default: every store that maps it. */
  readonly store?: string
}

/** The property paths that may be said of a reference. */
export type PathOf<R extends EntityReference> = PropertyPath<EntityOf<R>>
