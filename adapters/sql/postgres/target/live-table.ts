import type { EntityDescriptor } from '../../../../src/contracts/entity-descriptor.ts'

/** A column as the catalog has it, whether the ORM maps it or not. */
export interface LiveColumn {
  readonly name: string
  readonly dbType: string
  readonly notNull: boolean
  /** Has a default, is computed or an identity: an INSERT may leave it out. */
  readonly optional: boolean
  readonly computed: boolean
  readonly identityAlways: boolean
}

/** A foreign key constraint, seen from either side. */
export interface ForeignKey {
  readonly oid: string
  readonly name: string
  /** Table that holds the constraint. */
  readonly child: string
  /** Quoted, with schema. */
  readonly childTable: string
  readonly childOwned: boolean
  /** The role may lock the table against writers. */
  readonly childLockable: boolean
  /** The role sees every row of the table. */
  readonly childReadable: boolean
  readonly childColumns: readonly string[]
  readonly parent: string
  readonly parentTable: string
  readonly parentLockable: boolean
  readonly parentColumns: readonly string[]
  /** `OPERATOR(schema.=)` that compares a parent's column (left) with the child's (right), in column order. */
  readonly operators: readonly string[]
  /** MATCH FULL: all columns are NULL or none is. */
  readonly full: boolean
  readonly deferrable: boolean
  /** `a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default. */
  readonly onUpdate: 'a' | 'r' | 'c' | 'n' | 'd'
}

export interface UniqueColumn {
  /** Null for an expression. */
  readonly name: string | null
  /** SQL over unqualified column names. */
  readonly expression: string
  readonly operator: string
}

/** A unique index or constraint, the primary key's included. */
export interface UniqueIndex {
  readonly name: string
  readonly columns: readonly UniqueColumn[]
  /** SQL over unqualified column names; null unless the index is partial. */
  readonly predicate: string | null
  /** Columns that it depends on, in expressions and predicate too. */
  readonly uses: readonly string[]
  readonly nullsNotDistinct: boolean
  readonly deferrable: boolean
}

export interface CheckConstraint {
  readonly name: string
  readonly columns: readonly string[]
  /** SQL over unqualified column names. */
  readonly expression: string
}

/** What would run along with a write: a trigger of the application's, or a rule. Disabled ones and those for TRUNCATE alone are left out. */
export interface TableHook {
  readonly kind: 'trigger' | 'rule'
  readonly name: string
  /** Quoted, with schema; a partition's own trigger names the partition. */
  readonly table: string
  readonly owned: boolean
  /** `O` fires normally, `R` under `session_replication_role = replica`, `A` always. */
  readonly fires: 'O' | 'R' | 'A'
}

/** A table on the way from a row to its tenant. */
export interface OwnerTable {
  readonly oid: string
  /** Quoted, with schema. */
  readonly table: string
  /** In the joins. */
  readonly alias: string
}

/** A live table with all that a write to it touches. */
export interface LiveTable {
  readonly entity: EntityDescriptor
  readonly oid: string
  /** Quoted, with schema. */
  readonly table: string
  readonly owned: boolean
  /** Rights that the role lacks of SELECT, INSERT, UPDATE. */
  readonly lacks: readonly string[]
  /** Condition for rows `l` that the restore may touch; null where that is all of them. */
  readonly own: string | null
  /** The rows on the way from a row, as `t`, to the tenant; null where there is none. */
  readonly way: { readonly joins: string; readonly owners: readonly OwnerTable[] } | null
  readonly columns: readonly LiveColumn[]
  /** Columns of the entity's key, in key order, each with the operator that says "same row". */
  readonly key: readonly { readonly column: string; readonly operator: string }[]
  readonly references: readonly ForeignKey[]
  readonly referencedBy: readonly ForeignKey[]
  /** Without those that hold the whole key. */
  readonly uniques: readonly UniqueIndex[]
  /** Of all of them, those that triggers check late: silenced with the triggers. */
  readonly deferrableUniques: readonly UniqueIndex[]
  readonly deferrableExclusion: boolean
  readonly checks: readonly CheckConstraint[]
  readonly hooks: readonly TableHook[]
  /** Sequences that feed columns of the entity. */
  readonly sequences: readonly { readonly field: string; readonly column: string; readonly oid: string; readonly mayAdvance: boolean }[]
}
