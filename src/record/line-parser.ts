import { isUtf8 } from 'node:buffer'
import { HoldfastError } from '../kernel/errors.ts'
import { type ExactJson, parseExactJson } from './exact-json.ts'
import { JsonScanError, scanString, scanValue } from './json-scan.ts'
import type { LineBatch } from './line-splitter.ts'

export interface LineParserOptions {
  /** For messages. */
  readonly entity: string
  /** Property paths of the record, in order: exactly what each line must hold. */
  readonly fields: readonly string[]
}

/**
 * Where the values of one line are: `[start0, end0, start1, end1, …]`, offsets into the bytes given. Reused for the next line, so
 * take what is needed before going on.
 */
export type ValueSpans = Uint32Array

/** Strict reader of the record lines of one entity. Everything but the canonical form is `E_RECORD` with entity and line number. */
export interface LineParser {
  /** The line from `start` to `end`, its 0x0A included. `line` is its number, for messages. Does not check for UTF-8: `batch` does. */
  spans(bytes: Uint8Array, start: number, end: number, line: number): ValueSpans
  /** Every line of a batch, in order. */
  batch(batch: LineBatch, visit: (bytes: Buffer, spans: ValueSpans, line: number) => void): void
  /** One line as values by property path, numbers exact. Slow: for single records. */
  record(line: Uint8Array, number: number): ReadonlyMap<string, ExactJson>
}

export function createLineParser({ entity, fields }: LineParserOptions): LineParser {
  const heads = fields.map((path, at) => Buffer.from(`${at === 0 ? '{' : ','}${JSON.stringify(path)}:`))
  const spans = new Uint32Array(fields.length * 2)

  function refuse(line: number, reason: string, cause?: unknown): HoldfastError {
    return new HoldfastError('E_RECORD', `"${entity}", line ${line}: ${reason}`, { cause, details: { entity, line } })
  }

  function parse(bytes: Uint8Array, start: number, end: number, line: number): ValueSpans {
    const last = end - 1
    if (last < start || bytes[last] !== 0x0a) throw refuse(line, 'does not end with a line break')
    if (last === start) throw refuse(line, 'blank')
    if (bytes[last - 1] === 0x0d) throw refuse(line, 'ends with CR LF')
    if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) throw refuse(line, 'starts with a byte order mark')
    let at = start
    try {
      for (let field = 0; field < heads.length; field++) {
        const head = heads[field]!
        if (!startsWith(bytes, at, head)) throw refuse(line, wrongName(bytes, at, last, field))
        const from = at + head.length
        at = scanValue(bytes, from, last)
        spans[field * 2] = from
        spans[field * 2 + 1] = at
      }
      if (bytes[at] === 0x2c) throw refuse(line, wrongName(bytes, at, last, heads.length))
      if (bytes[at] !== 0x7d) throw refuse(line, `is not closed at byte ${at - start}`)
      if (at + 1 !== last) throw refuse(line, 'has something after its closing brace')
    } catch (error) {
      if (error instanceof JsonScanError) throw refuse(line, `${error.message} (at byte ${error.offset - start})`, error)
      throw error
    }
    return spans
  }

  /** Why the name at `at` is not that of `field`. Names what was found only when it is a field of the entity: anything else may be a value that slipped. */
  function wrongName(bytes: Uint8Array, at: number, last: number, field: number): string {
    const expected = fields[field]
    if (field > 0 && bytes[at] === 0x7d) return `lacks "${expected}"`
    if (bytes[at] !== (field === 0 ? 0x7b : 0x2c)) return field === 0 ? 'is not a JSON object in canonical form' : `is not canonical JSON at byte ${at}`
    const end = scanString(bytes, at + 1, last)
    const found = Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, end - at - 1).toString()
    const position = fields.findIndex((path) => JSON.stringify(path) === found)
    if (position === -1) return expected === undefined ? 'has a field more than its entity' : `has an unknown field where "${expected}" was expected`
    if (position < field) return `has ${found} twice`
    return `has ${found} where "${expected}" was expected`
  }

  return {
    spans: parse,
    batch(batch, visit) {
      const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
      const clean = isUtf8(bytes)
      let start = 0
      for (let at = 0; at < batch.ends.length; at++) {
        const end = batch.ends[at]!
        const line = batch.firstLine + at
        if (!clean && !isUtf8(bytes.subarray(start, end))) throw refuse(line, 'is not UTF-8')
        visit(bytes, parse(bytes, start, end, line), line)
        start = end
      }
    },
    record(line, number) {
      const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
      if (!isUtf8(bytes)) throw refuse(number, 'is not UTF-8')
      const found = parse(bytes, 0, bytes.length, number)
      return new Map(fields.map((path, at) => [path, parseExactJson(bytes.toString('utf8', found[at * 2], found[at * 2 + 1]))]))
    },
  }
}

function startsWith(bytes: Uint8Array, at: number, head: Uint8Array): boolean {
  for (let byte = 0; byte < head.length; byte++) if (bytes[at + byte] !== head[byte]) return false
  return true
}
