import { quoteIdent } from '../quote.ts'
import type { FittedField } from './fit-record.ts'
import type { LiveTable } from './live-table.ts'

/** Number of the record in its entity, beside the columns of every staging table. */
export const LINE = quoteIdent('_holdfast_line')

export const columnOf = (alias: string, column: string): string => `${alias}.${quoteIdent(column)}`

/** "The same row", as the key's own index compares. */
export function sameKey(live: LiveTable, a: string, b: string): string {
  return live.key.map(({ column, operator }) => `${columnOf(a, column)} ${operator} ${columnOf(b, column)}`).join(' AND ')
}

/** The exact output text of any value; NULL stays NULL. A cast to text would strip the padding of `char(n)`, and `IS NULL` is true for a row of NULLs. */
export function textOf(expression: string): string {
  return `CASE WHEN num_nulls(${expression}) = 0 THEN format('%s', ${expression}) END`
}

/**
 * Whether two rows hold the same stored text in every field: 1.0 is not 1.00, and -0 is not 0. Equal bytes have equal text, which settles nearly
 * every row. The reverse is not sure of every type, so that where bytes differ only in such fields, their texts decide.
 */
export function sameValues(fields: readonly FittedField[], a: string, b: string): string {
  const exact = fields.filter(isExact)
  const texts = fields.filter((field) => !isExact(field)).map(({ column }) => sameText(columnOf(a, column), columnOf(b, column)))
  if (texts.length === 0) return sameBytes(fields, a, b)
  return `(${sameBytes(fields, a, b)} OR (${[...(exact.length > 0 ? [sameBytes(exact, a, b)] : []), ...texts].join(' AND ')}))`
}

/** `%L` prints a text quoted and NULL unquoted, so that one comparison sees both. */
export function sameText(a: string, b: string): string {
  const text = (expression: string) => `format('%L', ${expression}) COLLATE "C"`
  return `${text(a)} = ${text(b)}`
}

/** As a function: PostgreSQL takes `ROW(…) *= ROW(…)` apart into comparisons of columns. */
function sameBytes(fields: readonly FittedField[], a: string, b: string): string {
  const row = (alias: string) => `ROW(${fields.map(({ column }) => columnOf(alias, column)).join(', ')})`
  return `record_image_eq(${row(a)}, ${row(b)})`
}

/** Types of which other bytes always print another text. */
function isExact({ live }: FittedField): boolean {
  const { kind } = live.type
  return (
    kind === 'int' ||
    kind === 'bigint' ||
    kind === 'boolean' ||
    kind === 'timestamp' ||
    kind === 'bytes' ||
    /^(text|uuid|date|character varying(\(\d+\))?)$/.test(live.dbType)
  )
}
