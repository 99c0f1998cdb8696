import type { MysqlColumn } from '../catalog.ts'
import { valueSql } from '../row-sql.ts'

/** SQL of a value as `recordToken` reads it: its text, bytes as hexadecimal. */
export function tokenSql(column: MysqlColumn, alias: string): string {
  return column.type.kind === 'bytes' ? `HEX(${valueSql(column, alias)})` : valueSql(column, alias)
}

/** The JSON token, in record encoding, of such a text. For the few values of samples and keys in problems. */
export function recordToken({ type }: MysqlColumn, text: string | null): string {
  if (text === null) return 'null'
  switch (type.kind) {
    case 'int':
    case 'float':
      return text
    case 'timestamp':
      return JSON.stringify(text.replace(' ', 'T'))
    case 'bytes':
      return JSON.stringify(Buffer.from(text, 'hex').toString('base64'))
    case 'jsonb':
      return `[${text}]`
    default:
      return JSON.stringify(text)
  }
}
