import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { KeyText } from '../contracts/key-range.ts'
import { shownKeyText } from '../record/index.ts'

/** Rows that are named; all are counted. */
const NAMED = 100

/** A row that is not as it was when it was looked at. */
export interface MovedRow {
  readonly store: string
  readonly entity: string
  /** `"•••"` stands for the values of sensitive key fields. */
  readonly key: KeyText
  readonly what: 'changed' | 'appeared' | 'disappeared'
}

/** Collects rows that moved, for one refusal that names them. */
export class MovedRows {
  readonly rows: MovedRow[] = []
  count = 0

  add(store: string, descriptor: EntityDescriptor, key: KeyText, what: MovedRow['what']): void {
    this.count++
    if (this.rows.length < NAMED) this.rows.push({ store, entity: descriptor.name, key: shownKey(descriptor, key), what })
  }

  /** `2 rows (Order [1] changed, Order [2] appeared)`. */
  toString(): string {
    const some = this.rows.slice(0, 5).map(({ entity, key, what }) => `${entity} ${key} ${what}`)
    return `${this.count} ${this.count === 1 ? 'row' : 'rows'} (${some.join(', ')}${this.count > some.length ? ', …' : ''})`
  }
}

export function shownKey(descriptor: Pick<EntityDescriptor, 'key' | 'fields'>, key: KeyText): KeyText {
  return shownKeyText(hiddenKey(descriptor), key)
}

/** Which values of the key are sensitive. */
export function hiddenKey({ key: paths, fields }: Pick<EntityDescriptor, 'key' | 'fields'>): readonly boolean[] {
  return paths.map((path) => fields.find((field) => field.path === path)?.sensitive === true)
}
