import type { KeyText } from '../contracts/key-range.ts'
import type { EntityReference } from '../plan/entity-reference.ts'

/** `record`: the row is updated. `live`: it stays. `fail`: it is a conflict, and refuses the restore. */
export type Resolution = 'record' | 'live' | 'fail'

/** A row that differs from its record, both as objects nested by property path, values in record encoding, sensitive ones included. */
export interface DifferingRow<T = Readonly<Record<string, unknown>>> {
  readonly key: KeyText
  readonly live: T
  readonly record: T
}

/** Decides of each row of one entity that differs, in place of a policy. */
export interface RowResolver {
  /** A class, a schema, or a name. */
  readonly entity: EntityReference
  readonly resolve: (row: DifferingRow) => Resolution | Promise<Resolution>
}
