import type { EntityKey } from '../contracts/entity-key.ts'
import type { EntityReference } from '../plan/entity-reference.ts'

/** Rows of one entity that are to come back; with neither keys nor conditions all of them. */
export interface RowPick {
  /** A class, a schema, or a name: `Name`, `store.Name`. That of today, or, where nothing is called so today, that of the snapshot. */
  readonly entity: EntityReference
  /** These records. A key that the snapshot does not have is `E_SELECTION`. */
  readonly keys?: readonly EntityKey[]
  /** Records that hold all of these conditions, as `Where` says, instead of keys. Properties by their names of today, else of the snapshot; values are those of the snapshot, before any up-caster. */
  readonly where?: Readonly<Record<string, unknown>>
  /** Only these fields are written, into rows that are there: none is created. Default all. */
  readonly fields?: readonly string[]
}

/** Rows that come along with those that were picked. */
export interface RelatedRows {
  /** The rows that they refer to, and those that these refer to, so that none misses its parent. Where an entity comes along only so, its rows are created where they are missing and else left as they are. Default true. */
  readonly parents?: boolean
  /** Rows that refer to them: all, or those of these entities. Rows of junction tables always come along. Default false. */
  readonly children?: boolean | readonly string[]
  /** How many generations of children. Default 10; 1 to 100. */
  readonly depth?: number
  /** More rows than this, of all entities, are refused (`E_SELECTION`). Default 100,000; at most 1,000,000. */
  readonly maxRows?: number
}

/** A snapshot by what it is. */
export interface SnapshotAt {
  /** Of a plan. Default: any. */
  readonly plan?: string
  /** Of a series. Default: any. */
  readonly series?: string
  /** With all of these facts. */
  readonly metadata?: Readonly<Record<string, string>>
  /** The newest whose state is not younger than this (a `Date`, or ISO text). Default: the newest. */
  readonly at?: string | Date
}
