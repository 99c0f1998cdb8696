import type { RecordBatch } from '../contracts/record-batch.ts'
import { JsonScanError, scanString, scanValue } from '../record/index.ts'
import { corrupt } from './archive-error.ts'

const NEWLINE = 0x0a
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const NULL = Buffer.from('null')

export interface LineShape {
  /** How many key fields there are; they stand first. */
  readonly keyFields: number
  /** Property paths of the reference fields, in the order of their marks. */
  readonly references: readonly string[]
}

/** Whole record lines as the batch that a view once gave: where lines, keys and reference values are is found again. `E_ARCHIVE_CORRUPT` when they are no records. */
export function createLineMarker({ keyFields, references }: LineShape, object: string): (lines: Uint8Array) => RecordBatch {
  const stride = 2 + 2 * references.length
  const names = references.map((path) => Buffer.from(JSON.stringify(path)))

  /** Just past the line that begins at `line`; its marks are put at the end of `marks`. */
  function markLine(bytes: Buffer, line: number, marks: number[]): number {
    const mark = marks.length
    for (let i = 0; i < stride; i++) marks.push(0)
    let at = line
    let field = 0
    do {
      const nameStart = at + 1
      const nameEnd = scanString(bytes, nameStart, bytes.byteLength)
      const valueStart = nameEnd + 1 // the colon
      at = scanValue(bytes, valueStart, bytes.byteLength)
      if (++field === keyFields) marks[mark + 1] = at
      for (const [i, name] of names.entries()) {
        if (name.compare(bytes, nameStart, nameEnd) !== 0) continue
        const isNull = NULL.compare(bytes, valueStart, at) === 0
        marks[mark + 2 + 2 * i] = isNull ? at : valueStart
        marks[mark + 3 + 2 * i] = at
      }
    } while (bytes[at] === COMMA)
    if (bytes[line] !== OPEN_BRACE || bytes[at] !== CLOSE_BRACE || bytes[at + 1] !== NEWLINE || field < keyFields)
      throw new JsonScanError(at, 'not a record of that key')
    marks[mark] = at + 2
    return at + 2
  }

  return (lines) => {
    const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
    const marks: number[] = []
    try {
      for (let line = 0; line < bytes.byteLength;) line = markLine(bytes, line, marks)
    } catch (error) {
      if (!(error instanceof JsonScanError)) throw error
      throw corrupt(object, 'holds a line that is no record', error)
    }
    return { bytes: lines, rows: marks.length / stride, marks: Uint32Array.from(marks), stride }
  }
}
