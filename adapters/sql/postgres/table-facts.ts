import type { EntityMapping, FieldMapping } from '../../../src/contracts/entity-descriptor.ts'
import type { ColumnFacts, RelationFacts, UniqueFacts } from './catalog-facts.ts'

/** One selected entity beside everything the catalog says of its table. */
export interface TableFacts {
  readonly entity: EntityMapping
  /** The mapped fields without the ignored ones. */
  readonly fields: readonly FieldMapping[]
  readonly relation: RelationFacts
  readonly columns: readonly ColumnFacts[]
  readonly uniques: readonly UniqueFacts[]
}

/** A unique index over exactly the columns of the key, in any order, that sorts as `ORDER BY` does; the primary key before others. */
export function keyIndex({ entity, fields, columns, uniques }: TableFacts): UniqueFacts | undefined {
  const numbers = new Set(
    entity.key.map((path) => {
      const field = fields.find((candidate) => candidate.path === path)
      return columns.find((column) => column.name === field?.column)?.number
    }),
  )
  const fits = (unique: UniqueFacts) => unique.columns.length === numbers.size && unique.columns.every((column) => column.plain && numbers.has(column.number))
  return uniques.find(fits)
}
