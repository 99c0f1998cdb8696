import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { parseKeyText } from '../../../src/record/key-text.ts'
import type { MysqlColumn, MysqlEntity } from './catalog.ts'
import { quoteBytes, quoteIdent, quoteLiteral, quoteTable } from './quote.ts'

type Key = readonly MysqlColumn[]

/** The values of a key as SQL literals that compare as the columns do, in key order. `E_RECORD` for what is not a key of that many fields. */
export function keyLiterals(key: Key, text: KeyText): readonly string[] {
  const tokens = parseKeyText(text, key.length)
  return key.map((column, place) => literal(tokens[place]!, column))
}

/** Types that sort by number but compare with text by text. */
export const ordersAsText = (typeName: string): boolean => typeName === 'enum' || typeName === 'set'

/** By which the column stands in order. An ENUM or SET sorts by number but compares with text by text: it is put in order, and compared, as its text's bytes. */
function ordered({ column, typeName }: MysqlColumn, alias: string): string {
  const field = `${alias}.${quoteIdent(column)}`
  return ordersAsText(typeName) ? `(CONVERT(${field} USING utf8mb4) COLLATE utf8mb4_bin)` : field
}

/** `ORDER BY` list of the key. Qualified, because an output column of the same name would sort instead. */
export function keyOrderSql(key: Key, alias = 't'): string {
  return key.map((column) => ordered(column, alias)).join(', ')
}

/** What decides the order of keys: when it is another, ranges mean something else. */
export function keyOrderName(key: Key): string {
  return key.map(({ column, fullType, collation }) => `${column} ${fullType} ${collation ?? ''}`).join(', ')
}

/** `FROM` with the index whose order is that of the key, so that the first rows come at once, without a sort of the whole table. */
export function fromSql({ schema, table, orderIndex, key, scope }: MysqlEntity): string {
  const sorted = key.some(({ typeName }) => ordersAsText(typeName))
  // The rows of one tenant may be few: an index on its column can serve them better.
  const free = orderIndex === null || sorted || scope?.filter.path.length === 0
  return `FROM ${quoteTable(schema, table)} AS t${free ? '' : ` FORCE INDEX (${quoteIdent(orderIndex)})`}${scope?.joins ?? ''}`
}

/** The condition for rows inside the range; `TRUE` when it has no bounds. */
export function rangeCondition(key: Key, range: KeyRange): string {
  const bounds = [
    ...(range.from === null ? [] : [bound(key, keyLiterals(key, range.from), '>', '>=')]),
    ...(range.to === null ? [] : [bound(key, keyLiterals(key, range.to), '<', '<')]),
  ]
  return bounds.length === 0 ? 'TRUE' : bounds.join(' AND ')
}

/** A comparison of rows, spelled out: `(a, b) >= (1, 2)` is no index condition here, but this is. The first column alone narrows the index from the start. */
function bound(key: Key, values: readonly string[], beyond: string, last: string): string {
  const [column, value, rest] = [key[0]!, values[0]!, key.slice(1)]
  const field = ordered(column, 't')
  if (rest.length === 0) return `${field} ${last} ${value}`
  return `(${field} ${beyond}= ${value} AND (${field} ${beyond} ${value} OR (${field} = ${value} AND ${bound(rest, values.slice(1), beyond, last)})))`
}

const NUMBER = /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/i

/** The SQL literal of a JSON token in record encoding. */
function literal(token: string, column: MysqlColumn): string {
  switch (column.type.kind) {
    case 'int':
    case 'bigint':
    case 'decimal':
      return number(token.startsWith('"') ? stringOf(token) : token)
    case 'float':
      // Without an exponent it would be a DECIMAL, and compare as one.
      return /e/i.test(token) ? number(token) : `${number(token)}e0`
    case 'timestamp':
      return quoteLiteral(stringOf(token).replace('T', ' '))
    case 'bytes':
      return quoteBytes(Buffer.from(stringOf(token), 'base64'))
    case 'text':
      return text(stringOf(token), column)
    case 'boolean':
    case 'jsonb':
    case 'array':
    case 'dynamic':
      throw new HoldfastError('E_MAPPING', `a key of kind ${column.type.kind} is not served`)
  }
}

/** In the column's own character set and collation, so that its index can be used. */
function text(value: string, { charset, collation, typeName }: MysqlColumn): string {
  if (charset === null) return quoteLiteral(value)
  if (ordersAsText(typeName)) return `(${quoteLiteral(value)} COLLATE utf8mb4_bin)`
  return `(CONVERT(${quoteLiteral(value)} USING ${charset}) COLLATE ${collation ?? charset})`
}

function number(token: string): string {
  if (!NUMBER.test(token)) throw new HoldfastError('E_RECORD', 'a key value has another JSON form than its field')
  return token
}

function stringOf(token: string): string {
  const value: unknown = JSON.parse(token)
  if (typeof value !== 'string') throw new HoldfastError('E_RECORD', 'a key value has another JSON form than its field')
  return value
}
