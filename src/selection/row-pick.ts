import type { EntityMeant } from '../compare/snapshot-reader.ts'
import type { Where } from '../compare/index.ts'
import type { EntityKey } from '../contracts/entity-key.ts'
import type { EntityReference } from '../plan/entity-reference.ts'
import type { PropertyPath } from '../plan/property-path.ts'
import type { RowPick } from '../restore/index.ts'

export interface PickOptions<T> {
  /** These records. A key that the snapshot does not have is `E_SELECTION`. */
  readonly keys?: readonly EntityKey[]
  /** Records that hold all of these conditions, instead of keys. */
  readonly where?: Where<T>
  /** Only these fields are written, into rows that are there: none is created. Default all. */
  readonly fields?: readonly PropertyPath<T>[]
}

/** The same as a plain object, with keys, conditions and fields held against the class: `pick(Order, { where: { status: 'paid' } })`. */
export function pick<T = never, R extends EntityReference = EntityReference>(entity: R, options: NoInfer<PickOptions<EntityMeant<T, R>>> = {}): RowPick {
  return { entity, ...options }
}
