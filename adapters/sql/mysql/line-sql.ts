import type { MysqlColumn, MysqlEntity } from './catalog.ts'
import { quoteIdent, quoteLiteral } from './quote.ts'

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

type Part = { readonly text: string } | { readonly sql: string }

/** The value as JSON, as parts to be concatenated; SQL NULL makes all of it NULL. */
function jsonParts(column: MysqlColumn, alias: string): readonly Part[] {
  const sql = valueSql(column, alias)
  const quoted = (inner: string): readonly Part[] => [{ text: '"' }, { sql: inner }, { text: '"' }]
  switch (column.type.kind) {
    case 'int':
    case 'float':
    case 'boolean':
      return [{ sql }]
    case 'bigint':
    case 'decimal':
      return quoted(sql)
    case 'timestamp':
      return quoted(`REPLACE(${sql}, ' ', 'T')`)
    case 'bytes':
      return quoted(`TO_BASE64(${sql})`)
    case 'jsonb':
      return [{ text: '[' }, { sql }, { text: ']' }]
    case 'text':
      return column.charset === null ? quoted(sql) : [{ sql: guarded(column, `JSON_QUOTE(${sql})`, alias) }]
    case 'array':
    case 'dynamic':
      throw new RangeError(`MySQL has no ${column.type.kind}`)
  }
}

function guarded(column: MysqlColumn, sql: string, alias: string): string {
  const condition = losslessSql(column, alias)
  return condition === null ? sql : `IF(${condition}, ${sql}, NULL)`
}

/**
 * The whole record line as one text, its line feed included. NULL when it, or a part of it, would be longer than `max_allowed_packet`, and when some text has
 * no exact Unicode form: such a row is read column by column. SQL NULL is told from that by a look at the column itself.
 *
 * Two things are left for `LineBatches` to set right: the case of hexadecimal digits in `JSON_QUOTE`, and the line feeds of `TO_BASE64` after each 76 characters.
 * `REPLACE` would take them out as well, in time that grows with the square of their number.
 */
export function lineSql(entity: MysqlEntity, alias = 't'): string {
  const parts: Part[] = []
  const add = (part: Part): void => {
    const last = parts.at(-1)
    if ('text' in part && last && 'text' in last) parts[parts.length - 1] = { text: last.text + part.text }
    else parts.push(part)
  }
  for (const [at, column] of entity.columns.entries()) {
    add({ text: `${at === 0 ? '{' : ','}${JSON.stringify(column.path)}:` })
    const json = jsonParts(column, alias)
    if (column.nullable) add({ sql: `IF(${field(column, alias)} IS NULL, 'null', ${concat(json)})` })
    else for (const part of json) add(part)
  }
  add({ text: '}\n' })
  return concat(parts)
}

const concat = (parts: readonly Part[]): string =>
  parts.length === 1 && 'sql' in parts[0]! ? parts[0].sql : `CONCAT(${parts.map((part) => ('sql' in part ? part.sql : quoteLiteral(part.text))).join(', ')})`

/**
 * What the digest hashes: all values of the row as the server prints them, in their own character sets, parted by `separator`, behind a map of which are NULL.
 * With a separator that nobody could foresee, rows that differ have texts that differ; and it costs the server half of what a record line does.
 */
export function rowTextSql(entity: MysqlEntity, separator: string, alias = 't'): string {
  const nullable = entity.columns.filter((column) => column.nullable)
  const map = nullable.length === 0 ? "''" : `CONCAT(${nullable.map((column) => `ISNULL(${field(column, alias)})`).join(', ')})`
  // Text in another character set would be converted, and may look the same then.
  const values = entity.columns.map((column) => {
    if (column.type.kind === 'float') return valueSql(column, alias)
    return column.charset === null || column.charset === 'utf8mb4' ? field(column, alias) : `CAST(${field(column, alias)} AS BINARY)`
  })
  return `CONCAT_WS(${separator}, ${[map, ...values].join(', ')})`
}
