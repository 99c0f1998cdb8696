import type { MysqlColumn, MysqlEntity } from './catalog.ts'
import { quoteIdent } from './quote.ts'

/** Every text of these comes back from utf8mb4 as it was; MySQL's latin1 gives each of its 256 bytes a character. Of others it is checked, row by row. */
const TRUSTED_CHARSETS = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'latin1'])

const field = ({ column }: MysqlColumn, alias: string): string => `${alias}.${quoteIdent(column)}`

/** The value as the server prints it, with what the type would hide taken away: leading zeros of ZEROFILL, digits of FLOAT, the bytes of BIT. */
export function valueSql(column: MysqlColumn, alias = 't'): string {
  const value = field(column, alias)
  if (column.typeName === 'bit' || column.typeName === 'year' || /zerofill/i.test(column.fullType)) return `(${value} + 0)`
  // Keeps the sign of zero, as adding would not. DOUBLE(m,d) prints d digits, FLOAT six; a product with a DOUBLE prints all that it has.
  if (column.type.kind === 'float') return `(${value} * 1e0)`
  if (column.type.kind === 'text' && column.charset !== null && column.charset !== 'utf8mb4') return `CONVERT(${value} USING utf8mb4)`
  return value
}

/** A condition that fails for text which its own character set does not get back from Unicode; null where there is none such. */
export function losslessSql(column: MysqlColumn, alias = 't'): string | null {
  const { charset } = column
  if (column.type.kind !== 'text' || charset === null || TRUSTED_CHARSETS.has(charset)) return null
  const value = field(column, alias)
  return `(${value} IS NULL OR HEX(CONVERT(CONVERT(${value} USING utf8mb4) USING ${charset})) = HEX(${value}))`
}

/** True when no text of the entity needs to be checked. */
export const alwaysLossless = ({ columns }: MysqlEntity): boolean => columns.every((column) => losslessSql(column) === null)

/** The select list of rows, in record order. Behind it, where it is needed, a column says whether all text of the row has an exact Unicode form. */
export function columnsSql(entity: MysqlEntity, alias = 't'): string {
  const conditions = entity.columns.flatMap((column) => losslessSql(column, alias) ?? [])
  return [...entity.columns.map((column) => valueSql(column, alias)), ...(conditions.length === 0 ? [] : [`(${conditions.join(' AND ')})`])].join(', ')
}

/**
 * What the digest hashes of a row: a map of which values are NULL, then each that is not, behind the separator. With a separator that nobody could foresee, rows that
 * differ have texts that differ. NULL when it would be longer than `max_allowed_packet`.
 */
export function rowTextSql(entity: MysqlEntity, separator: string, alias = 't'): string {
  const nullable = entity.columns.filter((column) => column.nullable)
  // Bytes that are no literal make bytes of the whole. With a literal alone, the server would try to convert it to the character set of the others.
  const map =
    nullable.length === 0
      ? `LEFT(CAST(${field(entity.key[0]!, alias)} AS BINARY), 0)`
      : `CAST(CONCAT(${nullable.map((column) => `ISNULL(${field(column, alias)})`).join(', ')}) AS BINARY)`
  const values = entity.columns.map((column) => (sameInUnicode(column) ? valueSql(column, alias) : `CAST(${field(column, alias)} AS BINARY)`))
  return `CONCAT_WS(${separator}, ${[map, ...values].join(', ')})`
}

/** How many values of the rows are not NULL, of those that may be. */
export function valuesSql({ columns }: MysqlEntity, alias = 't'): string {
  const counts = columns.flatMap((column) => (column.nullable ? [`COUNT(${field(column, alias)})`] : []))
  return counts.length === 0 ? '0' : counts.join(' + ')
}

/** Texts that differ differ in Unicode too. In other character sets two may be converted to the same. */
const sameInUnicode = ({ charset }: MysqlColumn): boolean => charset === null || TRUSTED_CHARSETS.has(charset)

/** What `rowTextSql` gives of a row can be made of what `columnsSql` gives. */
export const textFromColumns = ({ columns }: MysqlEntity): boolean => columns.every((column) => sameInUnicode(column) || column.charset === 'ascii')
