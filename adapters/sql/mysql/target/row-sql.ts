import type { MysqlColumn } from '../catalog.ts'
import { quoteIdent } from '../quote.ts'
import type { FittedField, FittedItem } from './fit-record.ts'

/** Number of the record in its entity, beside the columns of every staging table. */
export const LINE = quoteIdent('_holdfast_line')

export const columnOf = (alias: string, column: string): string => `${alias}.${quoteIdent(column)}`

/** "The same row", as the key's own index compares. */
export function sameKey({ live }: FittedItem, a: string, b: string): string {
  return live.key.map(({ column }) => `${columnOf(a, column)} = ${columnOf(b, column)}`).join(' AND ')
}

/** Whether two rows hold the same stored values in every field, whatever the collations of their columns think is equal. */
export function sameValues(fields: readonly FittedField[], a: string, b: string): string {
  return fields.length === 0 ? 'TRUE' : fields.map(({ live }) => sameValue(live, a, b)).join(' AND ')
}

export function sameValue({ column, type, typeName }: MysqlColumn, a: string, b: string): string {
  const [left, right] = [columnOf(a, column), columnOf(b, column)]
  switch (type.kind) {
    case 'text':
      // The number of the member: as text, one that is none looks like an empty one.
      if (typeName === 'enum' || typeName === 'set') return `${left} + 0 <=> ${right} + 0`
      return isPlain(typeName) ? `${left} <=> ${right}` : `CAST(${left} AS BINARY) <=> CAST(${right} AS BINARY)`
    case 'float':
      // 0 equals -0, which MySQL prints with its sign.
      return `(${left} <=> ${right} AND (${left} <> 0 OR ${left} IS NULL OR CAST(${left} AS CHAR) = CAST(${right} AS CHAR)))`
    case 'jsonb':
      return `CAST(CAST(${left} AS CHAR) AS BINARY) <=> CAST(CAST(${right} AS CHAR) AS BINARY)`
    default:
      return `${left} <=> ${right}`
  }
}

/** Types of text in a record that are none in the database. */
const isPlain = (typeName: string): boolean => ['date', 'time', 'uuid', 'inet4', 'inet6'].includes(typeName)
