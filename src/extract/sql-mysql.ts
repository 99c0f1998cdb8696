import type { SqlDialect } from './sql-dialect.ts'

const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``
/** Needs a session without NO_BACKSLASH_ESCAPES. */
const quoteText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0').replaceAll('\u001a', '\\Z')}'`

export const mysqlDialect: SqlDialect = {
  // A key of 0 is a key, and dates that are stored are dates. Implicit checks row by row: only references that no order can serve are left to the reader's trust.
  begin: (deferred) =>
    [
      'SET NAMES utf8mb4;',
      "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';",
      "SET SESSION time_zone = '+00:00';",
      ...(deferred ? ['SET SESSION foreign_key_checks = 0;'] : []),
      'START TRANSACTION;',
      '',
    ].join('\n'),
  commit: 'COMMIT;\n',
  quoteName,
  // In MySQL a schema is a database: the script goes into the one that is chosen.
  tableName: ({ table }) => quoteName(table),
  overriding: () => '',
  literal({ type }) {
    switch (type.kind) {
      case 'int':
      case 'float':
        return (token) => token
      case 'bigint':
      case 'decimal':
        return (token) => JSON.parse(token) as string
      case 'bytes':
        return (token) => `x'${Buffer.from(JSON.parse(token) as string, 'base64').toString('hex')}'`
      case 'jsonb':
        return (token) => quoteText(token.slice(1, -1))
      case 'timestamp':
        return (token) => quoteText((JSON.parse(token) as string).replace('T', ' '))
      default:
        return (token) => quoteText(JSON.parse(token) as string)
    }
  },
  advance: () => '',
}
