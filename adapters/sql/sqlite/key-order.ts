import type { SqliteEntity } from './catalog.ts'

/** Names the order in which the keys of the entity stand. */
export function keyOrderName({ columns, order, collations }: SqliteEntity): string {
  return order.map((at, place) => `${columns[at]!.column} ${collations[place]}`).join(', ')
}
