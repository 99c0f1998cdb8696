import { RawText, type StoredValue } from '../../../src/record/stored-value.ts'
import type { SqliteConnection } from './connection.ts'

/**
 * The SQL of a parameter that carries `value`. What no driver can bind exactly is bound as something else and cast; the `+` takes away the affinity
 * that a CAST has, which would change how the value is compared.
 */
export function placeholder(connection: Pick<SqliteConnection, 'bindsWholeNumbersAsInteger'>, value: StoredValue): string {
  if (value instanceof RawText) return '+CAST(? AS TEXT)'
  if (connection.bindsWholeNumbersAsInteger && typeof value === 'number' && Number.isInteger(value)) return '+CAST(? AS REAL)'
  return '?'
}

/** What to bind for it. */
export function parameter(value: StoredValue): StoredValue {
  return value instanceof RawText ? value.bytes : value
}
