import type { EntityReference } from '../plan/entity-reference.ts'
import type { ExactJson } from '../record/index.ts'

/**
 * One record by property path, flat: `id`, `address.city`, `customer.id`. Values are those of the archive: integers beyond 2^53 and decimals are text, timestamps ISO text, bytes
 * base64, `jsonb` an array of one; a number that JavaScript would print in another way is an `ExactNumber`.
 */
export type ArchivedRecord = Readonly<Record<string, ExactJson>>

export interface UpcastOptions {
  /**
   * The version of the entity that `change` takes, and the one that it makes: names of migrations, as the ORM's table has them, or the first eight or more hex digits of a fingerprint, as
   * `holdfast check-restorable` prints them. A snapshot has the versions of all migrations that were applied when it was taken, and its entity's fingerprint. It is changed when it has
   * `from` and not `to`, and has `to` from then on, so that one change leads to the next. `from: null` takes every snapshot without `to`.
   */
  readonly from: string | null
  readonly to: string
  /**
   * Gives the record as today's entity has it. Pure: it may run any number of times, in any order, and in a dry run. Fields that it returns as they were stay so to the last
   * digit. All records get the same fields. The key must stay.
   */
  readonly change: (record: ArchivedRecord) => Readonly<Record<string, unknown>>
  /** Entity store, where several map the entity. */
  readonly store?: string
}

export interface RenamedOptions {
  /** Name that the entity had, where that is another. A table that kept its name is found without. */
  readonly entity?: string
  /** Property path of today → the path, or the column, that it had: `{ amount: 'total' }`. A column that kept its name is found without. */
  readonly fields?: Readonly<Record<string, string>>
  /** Entity store, where several map the entity. */
  readonly store?: string
}

/** One thing that became different between a snapshot and today's entities. */
export type SchemaChange =
  | ({ readonly kind: 'upcast'; readonly of: EntityReference } & UpcastOptions)
  | ({ readonly kind: 'renamed'; readonly of: EntityReference } & RenamedOptions)
  | { readonly kind: 'removed'; readonly name: string; readonly reason: string }

/** Says how records of an older schema become those of a newer one. For `createHoldfast({ schema: [upcast(Order, { from, to, change })] })`. */
export function upcast(entity: EntityReference, options: UpcastOptions): SchemaChange {
  return { kind: 'upcast', of: entity, ...options }
}

/** Says what an entity or its properties were called in older snapshots. */
export function renamedFrom(entity: EntityReference, options: RenamedOptions): SchemaChange {
  return { kind: 'renamed', of: entity, ...options }
}

/** Says that an entity (`Name`, or `store.Name`) of older snapshots is gone for good: restores leave it out, and say so. */
export function removedEntity(name: string, options: { readonly reason: string }): SchemaChange {
  return { kind: 'removed', name, reason: options?.reason }
}
