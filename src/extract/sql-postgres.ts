import type { FieldType } from '../contracts/field-type.ts'
import { type ExactJson, parseExactJson, printExactJson } from '../record/index.ts'
import type { SqlDialect } from './sql-dialect.ts'

const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`
const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`
/** The `T` between date and time. */
const TIME = /^([^T]*\d)T/

export const postgresDialect: SqlDialect = {
  begin: (deferred) =>
    [
      "SET client_encoding = 'UTF8';",
      'SET standard_conforming_strings = on;',
      "SET lc_monetary = 'C';",
      "SET TimeZone = 'UTC';",
      'BEGIN;',
      ...(deferred ? ['SET CONSTRAINTS ALL DEFERRED;'] : []),
      '',
    ].join('\n'),
  commit: 'COMMIT;\n',
  quoteName,
  tableName: ({ schema, table }) => (schema === undefined ? quoteName(table) : `${quoteName(schema)}.${quoteName(table)}`),
  overriding: ({ fields }) => (fields.some(({ generation }) => generation === 'identity-always') ? ' OVERRIDING SYSTEM VALUE' : ''),
  literal({ type }) {
    switch (type.kind) {
      case 'int':
      case 'boolean':
        return (token) => token
      case 'float': // bare, `-0` would be a whole number, and all of them decimals
        return (token) => quoteText(token.startsWith('"') ? (JSON.parse(token) as string) : token)
      case 'jsonb':
        return (token) => quoteText(token.slice(1, -1))
      case 'array':
        return (token) => quoteText(token.startsWith('"') ? (JSON.parse(token) as string) : arrayText(parseExactJson(token), type.element, type.delimiter))
      default:
        return (token) => quoteText(scalarText(JSON.parse(token) as string, type))
    }
  },
  advance(entity, field, lastValue) {
    if (field.generation !== 'identity' && field.generation !== 'identity-always') return ''
    const table = postgresDialect.tableName(entity)
    const sequence = `pg_get_serial_sequence(${quoteText(table)}, ${quoteText(field.column)})`
    const greatest = lastValue === null ? `max(${quoteName(field.column)})` : `greatest(max(${quoteName(field.column)}), ${BigInt(lastValue)})`
    // A value below the first one of the sequence, or none at all, is none that it could go on from.
    return `SELECT setval(${sequence}, ${greatest}) FROM ${table} HAVING ${greatest} >= 1 AND ${sequence} IS NOT NULL;\n`
  },
}

function scalarText(text: string, { kind }: FieldType): string {
  if (kind === 'timestamp') return text.replace(TIME, '$1 ')
  return kind === 'bytes' ? `\\x${Buffer.from(text, 'base64').toString('hex')}` : text
}

/** PostgreSQL's array literal: every element but NULL in quotes. Elements of a `jsonb[]`, which has one dimension here, are arrays of one value. */
function arrayText(value: ExactJson, element: FieldType, delimiter: string): string {
  const items = value as readonly ExactJson[]
  return `{${items.map((item) => elementText(item, element, delimiter)).join(delimiter)}}`
}

function elementText(item: ExactJson, element: FieldType, delimiter: string): string {
  if (item === null) return 'NULL'
  if (element.kind === 'jsonb') return quoteElement(printExactJson((item as readonly ExactJson[])[0]!))
  if (Array.isArray(item)) return arrayText(item, element, delimiter)
  return quoteElement(typeof item === 'string' ? scalarText(item, element) : printExactJson(item))
}

function quoteElement(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
