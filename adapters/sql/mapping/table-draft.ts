import type { EntityKind, EntityMapping } from '../../../src/contracts/index.ts'

/** A column as one property of one class maps it. */
export interface ColumnDraft {
  /** `id`, `address.city`, `customer.id`. */
  readonly path: string
  readonly column: string
  /** The property is a relation; where a scalar property maps the same column too, the scalar's path is taken. */
  readonly relation: boolean
}

/** A foreign key by column names on both sides. */
export interface ReferenceDraft {
  readonly columns: readonly string[]
  readonly schema?: string
  readonly table: string
  readonly targetColumns: readonly string[]
  /** Of a polymorphic reference: the column that says where it leads, and its values that lead here. */
  readonly when?: { readonly column: string; readonly values: readonly string[] }
}

/** What an ORM's metadata say of one class and its table, by column names; `assembleMapping` makes entity mappings of all of them together. */
export interface TableDraft {
  readonly name: string
  readonly kind: EntityKind
  readonly target?: unknown
  readonly aliases: readonly { readonly name: string; readonly target?: unknown }[]
  /** Embedded classes by property path, where decorators may stand. */
  readonly embedded?: EntityMapping['embedded']
  readonly schema?: string
  readonly table: string
  /** In the ORM's order. A column may stand in it more than once. */
  readonly columns: readonly ColumnDraft[]
  /** Column names of the primary key, in key order; empty when the ORM knows none. */
  readonly key: readonly string[]
  readonly references: readonly ReferenceDraft[]
  readonly version?: string
  readonly updatedAt?: string
  readonly createdAt?: string
  readonly deletedAt?: string
  readonly discriminator?: { readonly column: string; readonly values: readonly string[] }
  /** Table-per-type inheritance: the table of the class above, which holds the rest of each row. */
  readonly inherits?: { readonly schema?: string; readonly table: string }
  /** Why the mapping is not served. Refuses the store unless the entity is excluded by name. */
  readonly problems: readonly string[]
}
