import { dynamicDecoder, RawText, type StoredValue } from '../record/index.ts'
import type { SqlDialect } from './sql-dialect.ts'

const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const sqliteDialect: SqlDialect = {
  begin: (deferred) => ['PRAGMA foreign_keys = ON;', 'BEGIN;', ...(deferred ? ['PRAGMA defer_foreign_keys = ON;'] : []), ''].join('\n'),
  commit: 'COMMIT;\n',
  quoteName,
  tableName: ({ table }) => quoteName(table),
  overriding: () => '',
  literal({ type }) {
    const decode = dynamicDecoder(type.kind === 'dynamic' ? type.affinity : 'text')
    return (token) => {
      const bytes = Buffer.from(token)
      return literalOf(decode(bytes, 0, bytes.byteLength))
    }
  },
  advance: () => '',
}

function literalOf(value: StoredValue): string {
  if (value === null) return 'NULL'
  // Its digits alone would be a number beyond the greatest, negated.
  if (typeof value === 'bigint') return value === -(2n ** 63n) ? '(-9223372036854775807 - 1)' : `${value}`
  if (typeof value === 'number') return realLiteral(value)
  if (value instanceof RawText) return `CAST(x'${Buffer.from(value.bytes).toString('hex')}' AS TEXT)`
  if (typeof value === 'string') return value.includes('\0') ? `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)` : `'${value.replaceAll("'", "''")}'`
  return `x'${Buffer.from(value).toString('hex')}'`
}

/** SQLite reads longer ones wrong by their last bit now and then. */
const SAFE_DIGITS = 15
const SAFE_EXPONENT = 22

export function realLiteral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '9e999'
  if (value === Number.NEGATIVE_INFINITY) return '-9e999'
  const text = Object.is(value, -0) ? '-0' : `${value}`
  const digits = text.replace(/e.*$/, '').replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
  if (digits.length > SAFE_DIGITS || (value !== 0 && Math.abs(Math.log10(Math.abs(value))) > SAFE_EXPONENT)) return exactReal(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** A whole number and powers of two: every step of it is exact. */
function exactReal(value: number): string {
  let whole = Math.abs(value)
  let power = 0
  for (; whole < 2 ** 52; power--) whole *= 2
  for (; !Number.isSafeInteger(whole); power++) whole /= 2
  for (; whole % 2 === 0; power++) whole /= 2
  const sign = power < 0 ? '/' : '*'
  let factors = ''
  for (let left = Math.abs(power); left > 0; left -= 50) factors += ` ${sign} ${2 ** Math.min(50, left)}.0`
  return `(CAST(${value < 0 ? '-' : ''}${whole} AS REAL)${factors})`
}
