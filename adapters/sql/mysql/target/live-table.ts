import type { EntityDescriptor } from '../../../../src/contracts/entity-descriptor.ts'
import type { MysqlColumn } from '../catalog.ts'
import type { UniqueFacts } from '../catalog-facts.ts'

/** A column as the catalog has it, whether the ORM maps it or not. */
export interface LiveColumn {
  readonly name: string
  /** `COLUMN_TYPE`, character set and collation: what it can hold, and what it takes for equal. */
  readonly holds: string
  readonly notNull: boolean
  /** Has a default, is computed or counts by itself: an INSERT may leave it out. */
  readonly optional: boolean
  readonly generated: boolean
  /** ON UPDATE CURRENT_TIMESTAMP: an UPDATE that does not name it changes it. */
  readonly touched: boolean
}

/** A foreign key constraint, seen from either side. Tables are quoted, with their database. */
export interface ForeignKey {
  readonly name: string
  readonly childTable: string
  readonly childColumns: readonly string[]
  readonly parentTable: string
  readonly parentColumns: readonly string[]
}

export interface Trigger {
  readonly name: string
  /** `INSERT`, `UPDATE`, `DELETE`. */
  readonly event: string
}

/** A live table with all that a write to it touches. */
export interface LiveTable {
  readonly entity: EntityDescriptor
  /** Those that the ORM maps, in the order of the descriptor's fields. */
  readonly mapped: readonly MysqlColumn[]
  /** Quoted, with its database. Two tables are one when this is equal. */
  readonly table: string
  /** Condition for rows `l` that the restore may touch; null where that is all of them. */
  readonly own: string | null
  readonly engine: string
  readonly versioned: boolean
  readonly columnsFingerprint: string
  readonly columns: readonly LiveColumn[]
  /** Columns of the entity's key, in key order. */
  readonly key: readonly MysqlColumn[]
  /** The unique index that bears the key out. */
  readonly keyIndex: UniqueFacts
  /** Without those that hold the whole key: they cannot clash when the key does not. */
  readonly uniques: readonly UniqueFacts[]
  readonly references: readonly ForeignKey[]
  readonly referencedBy: readonly ForeignKey[]
  readonly triggers: readonly Trigger[]
}
