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

/** MySQL and MariaDB never look at the case of column names. */
export const sameName = (a: string, b: string): boolean => a === b || a.toLowerCase() === b.toLowerCase()

export function columnOf(columns: readonly ColumnFacts[], name: string): ColumnFacts | undefined {
  return columns.find((column) => column.name === name) ?? columns.find((column) => sameName(column.name, name))
}

/** The columns of the key, in the key's order. */
export function keyColumnsOf({ entity, fields, columns }: TableFacts): readonly ColumnFacts[] {
  return entity.key.flatMap((path) => {
    const field = fields.find((candidate) => candidate.path === path)
    return (field && columnOf(columns, field.column)) ?? []
  })
}

/** A unique index over exactly the columns of the key, in any order; one that stands in order before others, the primary key before others. */
export function keyIndex(table: TableFacts): UniqueFacts | undefined {
  const names = new Set(keyColumnsOf(table).map(({ name }) => name))
  const fitting = table.uniques.filter(({ columns }) => columns.length === names.size && columns.every(({ name }) => names.has(name)))
  return fitting.find(ordersKeys) ?? fitting[0]
}

/** The index holds whole columns in their order. */
export const ordersKeys = ({ ordered, columns }: UniqueFacts): boolean => ordered && columns.every(({ prefix }) => !prefix)
