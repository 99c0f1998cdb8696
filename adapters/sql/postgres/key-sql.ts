import type { FieldType } from '../../../src/contracts/field-type.ts'
import type { KeyRange, KeyText } from '../../../src/contracts/key-range.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { parseKeyText } from '../../../src/record/key-text.ts'
import type { KeyColumn } from './catalog.ts'
import { quoteIdent, quoteLiteral } from './quote.ts'

type Key = readonly KeyColumn[]

/** The values of a key as SQL literals of the key's types, in key order. `E_RECORD` for what is not a key of that many fields. */
export function keyLiterals(key: Key, text: KeyText): readonly string[] {
  const tokens = parseKeyText(text, key.length)
  return key.map((column, place) => `${quoteLiteral(valueText(tokens[place]!, column.type))}::${column.sqlType}`)
}

/** `ORDER BY` list of the key. Qualified, because an output column of the same name but other type would sort instead. */
export function keyOrder(key: Key, alias = 't'): string {
  return key.map(({ column }) => `${alias}.${quoteIdent(column)}`).join(', ')
}

/** The condition for rows inside the range; `TRUE` when it has no bounds. */
export function rangeCondition(key: Key, range: KeyRange, alias = 't'): string {
  const bounds = [
    ...(range.from === null ? [] : [atLeast(key, keyLiterals(key, range.from), alias)]),
    ...(range.to === null ? [] : [below(key, keyLiterals(key, range.to), alias)]),
  ]
  return bounds.length === 0 ? 'TRUE' : bounds.join(' AND ')
}

/** key ≥ values, in the order of the key's index. `values` are SQL expressions of the key's types. */
export function atLeast(key: Key, values: readonly string[], alias = 't'): string {
  if (comparesAsRow(key)) return `(${keyOrder(key, alias)}) >= (${values.join(', ')})`
  const [column, value, rest] = [key[0]!, values[0]!, key.slice(1)]
  const field = `${alias}.${quoteIdent(column.column)}`
  const first = compare(column, field, column.atLeast, value)
  return rest.length === 0 ? first : `(${first} AND (${compare(column, value, column.less, field)} OR ${atLeast(rest, values.slice(1), alias)}))`
}

/** key < values. */
export function below(key: Key, values: readonly string[], alias = 't'): string {
  if (comparesAsRow(key)) return `(${keyOrder(key, alias)}) < (${values.join(', ')})`
  const [column, value, rest] = [key[0]!, values[0]!, key.slice(1)]
  const field = `${alias}.${quoteIdent(column.column)}`
  const last = compare(column, field, column.less, value)
  return rest.length === 0 ? last : `(${compare(column, value, column.atLeast, field)} AND (${last} OR ${below(rest, values.slice(1), alias)}))`
}

/** A plain row comparison is an index condition. It finds its operators by name, so they must be the index's own and in the pinned search path. */
const comparesAsRow = (key: Key): boolean =>
  key.length > 1 && key.every((column) => column.operatorSchema === 'pg_catalog' && column.less === '<' && column.atLeast === '>=')

/** Qualified: a bare `<` between two citext values would be text's, which sorts otherwise than the index. */
const compare = ({ operatorSchema }: KeyColumn, left: string, operator: string, right: string): string =>
  `${left} OPERATOR(${quoteIdent(operatorSchema)}.${operator}) ${right}`

/** The input text of PostgreSQL for a JSON token in record encoding. */
function valueText(token: string, type: FieldType): string {
  switch (type.kind) {
    case 'int':
    case 'bigint':
    case 'decimal':
    case 'float':
    case 'boolean':
    case 'text':
      return token.startsWith('"') ? stringOf(token) : token
    case 'timestamp':
      return stringOf(token).replace(/^(\d+-\d\d-\d\d)T/, '$1 ')
    case 'bytes':
      return `\\x${Buffer.from(stringOf(token), 'base64').toString('hex')}`
    case 'array':
      return token.startsWith('"') ? stringOf(token) : arrayText(token, type)
    case 'jsonb':
    case 'dynamic':
      throw new HoldfastError('E_MAPPING', `a key of kind ${type.kind} is not served`)
  }
}

function arrayText(token: string, type: Extract<FieldType, { kind: 'array' }>): string {
  if (token === '[]') return '{}'
  const elements = parseKeyText(token).map((element) => {
    if (element === 'null') return 'NULL'
    if (element.startsWith('[')) return arrayText(element, type)
    return `"${valueText(element, type.element).replace(/["\\]/g, '\\$&')}"`
  })
  return `{${elements.join(type.delimiter)}}`
}

function stringOf(token: string): string {
  const value: unknown = JSON.parse(token)
  if (typeof value !== 'string') throw new HoldfastError('E_RECORD', 'a key value has another JSON form than its field')
  return value
}
