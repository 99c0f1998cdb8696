import { isUtf8 } from 'node:buffer'
import { RawText, type StoredValue } from '../../../src/record/stored-value.ts'
import type { StoredRow } from './connection.ts'

/**
 * SQLite does not check its TEXT: it may hold any bytes, and U+0000. Drivers make a string of it all the same: libsql cuts it at the first zero byte, and
 * ends the whole process at bytes that are not UTF-8. So a value is read as a string only after a look at it; otherwise as here, bytes first.
 */
export function exactSelect(expressions: readonly string[]): string {
  return expressions
    .map((expression) => `CASE typeof(${expression}) WHEN 'text' THEN CAST(${expression} AS BLOB) ELSE ${expression} END, typeof(${expression}) = 'text'`)
    .join(', ')
}

/** The values that `count` expressions of `exactSelect` gave, from column `from` of the row on. */
export function exactValues(row: StoredRow, count: number, from = 0): StoredValue[] {
  const values = new Array<StoredValue>(count)
  for (let at = 0; at < count; at++) {
    const value = row[from + at * 2] ?? null
    values[at] = row[from + at * 2 + 1] === 1n && value instanceof Uint8Array ? text(value) : value
  }
  return values
}

function text(bytes: Uint8Array): string | RawText {
  if (!isUtf8(bytes)) return new RawText(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** TEXT and BLOB above this are read one small group at a time. */
const LARGE_BYTES = 8192

/**
 * One expression over a row whose concatenation over many rows tells whether all their TEXT can be read as strings: it holds the text itself, and a byte that
 * is not UTF-8 for every value too large to be read many at a time.
 */
export function textGuard(expressions: readonly string[]): string {
  const parts = expressions.map(
    (e) =>
      `CASE typeof(${e}) WHEN 'text' THEN iif(octet_length(${e}) > ${LARGE_BYTES}, x'ff', ${e}) WHEN 'blob' THEN iif(octet_length(${e}) > ${LARGE_BYTES}, x'ff', '') ELSE '' END`,
  )
  return parts.join(`||','||`)
}

/** What the guard's concatenation says: every TEXT is UTF-8 without U+0000, and nothing is large. */
export function allPlain(guard: StoredValue | undefined): boolean {
  return !(guard instanceof Uint8Array) || (isUtf8(guard) && !guard.includes(0))
}
