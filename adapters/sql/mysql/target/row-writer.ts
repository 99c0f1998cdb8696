import { decodeText } from '../../../../src/record/text-token.ts'
import { ValueError } from '../../../../src/record/value-error.ts'
import type { MysqlColumn } from '../catalog.ts'

/** How rows go to the server: as the file of a LOAD DATA LOCAL INFILE, or as the lists of an INSERT … VALUES. */
export type RowForm = 'load' | 'values'

/** Rows that go to the server at once. */
export interface Segment {
  readonly bytes: Buffer
  /** Offset just past each row, and past the comma behind it. */
  readonly ends: readonly number[]
  /** Number of the first row's record. */
  readonly firstLine: number
}

/** Puts the values of record lines into the form that the server takes. They stay bytes, but for strings with escapes and, in VALUES, base64. */
export interface RowWriter {
  readonly size: number
  /** @throws ValueError, with the place of the column in `ValueError.cause`, for a token that is none of its kind */
  add(bytes: Buffer, spans: ArrayLike<number>, line: number): void
  take(): Segment
}

export interface WrittenColumn {
  readonly column: MysqlColumn
  /** Place of the field in the record. */
  readonly place: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LETTER_T = 0x54
const SPACE = 0x20
const COMMA = 0x2c

const NULLS: Readonly<Record<RowForm, Buffer>> = { load: Buffer.from('\\N'), values: Buffer.from('NULL') }
const TEXT_OPEN = Buffer.from(`_utf8mb4 x'`)
const BYTES_OPEN = Buffer.from(`x'`)

/** Bytes that a token of the kind may hold, its quotes aside. Anything else is refused before it comes near SQL. */
const allowed = (characters: string): Uint8Array => {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}
const NUMERIC = allowed('0123456789+-.eE')
const TEMPORAL = allowed('0123456789+-.:T')
const BASE64 = allowed('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')

/** `numbered` puts the number of the record behind the columns. */
export function createRowWriter(form: RowForm, columns: readonly WrittenColumn[], numbered: boolean): RowWriter {
  let buffer = Buffer.allocUnsafe(1024 * 1024)
  let used = 0
  let ends: number[] = []
  let firstLine = 0

  const reserve = (bytes: number): void => {
    if (used + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes))
    buffer.copy(larger, 0, 0, used)
    buffer = larger
  }
  const put = (bytes: Uint8Array, start = 0, end = bytes.length): void => {
    reserve(end - start)
    buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), used)
    used += end - start
  }
  const putByte = (byte: number): void => {
    reserve(1)
    buffer[used++] = byte
  }
  const quoted = (open: Uint8Array, hex: string): void => {
    put(open)
    put(Buffer.from(`${hex}'`, 'latin1'))
  }
  /** Text that may hold anything. LOAD DATA reads `\\`, `\t`, `\n` and `\0` as MySQL's escapes. */
  const putText = (text: Buffer): void => {
    if (form === 'values') return quoted(TEXT_OPEN, text.toString('hex'))
    reserve(text.length * 2)
    for (let at = 0; at < text.length; at++) {
      const byte = text[at]!
      if (byte === BACKSLASH || byte === 0x09 || byte === 0x0a) buffer[used++] = BACKSLASH
      buffer[used++] = byte === 0x09 ? 0x74 : byte === 0x0a ? 0x6e : byte
    }
  }
  /** ASCII without quotes or backslashes. */
  const putPlain = (bytes: Buffer, start: number, end: number): void => {
    if (form === 'load') return put(bytes, start, end)
    putByte(0x27)
    put(bytes, start, end)
    putByte(0x27)
  }

  function putCell({ type, typeName }: MysqlColumn, bytes: Buffer, start: number, end: number): void {
    switch (type.kind) {
      case 'int':
      case 'float':
        assertBytes(bytes, start, end, NUMERIC, 'a number')
        // A text of one digit is a short form of a year, and the text 0 that of 2000; a BIT takes text as its bytes.
        if (typeName === 'year') return putPadded(bytes, start, end)
        return typeName === 'bit' ? put(bytes, start, end) : putPlain(bytes, start, end)
      case 'bigint':
      case 'decimal':
        assertQuoted(bytes, start, end, NUMERIC, 'a number in quotes')
        return typeName === 'bit' ? put(bytes, start + 1, end - 1) : putPlain(bytes, start + 1, end - 1)
      case 'timestamp': {
        assertQuoted(bytes, start, end, TEMPORAL, 'a time')
        const at = used + (form === 'load' ? 0 : 1)
        putPlain(bytes, start + 1, end - 1)
        const letter = buffer.subarray(at, used).indexOf(LETTER_T)
        if (letter >= 0) buffer[at + letter] = SPACE
        return
      }
      case 'bytes':
        assertQuoted(bytes, start, end, BASE64, 'base64')
        if ((end - start - 2) % 4 !== 0) throw new ValueError('not padded base64')
        if (form === 'load') return put(bytes, start + 1, end - 1)
        return quoted(BYTES_OPEN, Buffer.from(bytes.toString('latin1', start + 1, end - 1), 'base64').toString('hex'))
      case 'jsonb':
        if (bytes[start] !== 0x5b) throw new ValueError('an array of one element was expected')
        return putText(bytes.subarray(start + 1, end - 1))
      case 'text':
        if (bytes[start] !== QUOTE) throw new ValueError('a string was expected')
        // Without an escape it holds none of the bytes that would need one here.
        if (form === 'load' && !holds(bytes, start, end, BACKSLASH)) return put(bytes, start + 1, end - 1)
        return putText(Buffer.from(decodeText(bytes, start, end), 'utf8'))
      case 'boolean':
      case 'array':
      case 'dynamic':
        throw new ValueError(`MySQL has no ${type.kind}`)
    }
  }
  function putPadded(bytes: Buffer, start: number, end: number): void {
    const year = Buffer.from(bytes.toString('latin1', start, end).padStart(4, '0'), 'latin1')
    putPlain(year, 0, year.length)
  }

  return {
    get size() {
      return used
    },
    add(bytes, spans, line) {
      if (ends.length === 0) firstLine = line
      const before = used
      if (form === 'values') putByte(0x28)
      for (const [at, { column, place }] of columns.entries()) {
        if (at > 0) putByte(form === 'load' ? 0x09 : COMMA)
        const [start, end] = [spans[place * 2]!, spans[place * 2 + 1]!]
        if (isNull(bytes, start, end)) {
          put(NULLS[form])
          continue
        }
        try {
          putCell(column, bytes, start, end)
        } catch (error) {
          used = before
          if (error instanceof ValueError) throw new CellError(column.path, error)
          throw error
        }
      }
      if (numbered) {
        if (columns.length > 0) putByte(form === 'load' ? 0x09 : COMMA)
        put(Buffer.from(String(line), 'latin1'))
      }
      if (form === 'load') putByte(0x0a)
      else {
        putByte(0x29)
        putByte(COMMA)
      }
      ends.push(used)
    },
    take() {
      const segment = { bytes: Buffer.from(buffer.subarray(0, used)), ends, firstLine }
      used = 0
      ends = []
      return segment
    },
  }
}

/** A token that is none of its column's kind. */
export class CellError extends Error {
  readonly path: string

  constructor(path: string, cause: ValueError) {
    super(cause.message, { cause })
    this.path = path
  }
}

/** No other token begins like this one. */
export const isNull = (bytes: Uint8Array, start: number, end: number): boolean => bytes[start] === 0x6e && end - start === 4

function assertBytes(bytes: Buffer, start: number, end: number, table: Uint8Array, expected: string): void {
  for (let at = start; at < end; at++) if (table[bytes[at]!] === 0) throw new ValueError(`${expected} was expected`)
}

function assertQuoted(bytes: Buffer, start: number, end: number, table: Uint8Array, expected: string): void {
  if (bytes[start] !== QUOTE) throw new ValueError(`${expected} was expected`)
  assertBytes(bytes, start + 1, end - 1, table, expected)
}

/** Never looks past `end`: a search of the whole buffer for every value in it would take quadratic time. */
function holds(bytes: Buffer, start: number, end: number, byte: number): boolean {
  if (end - start > 64) return bytes.subarray(start, end).includes(byte)
  for (let at = start; at < end; at++) if (bytes[at] === byte) return true
  return false
}
