import type { RecordBatch } from '../../../../src/contracts/record-batch.ts'
import type { TouchedRow } from '../../../../src/contracts/restore-target.ts'
import { keyTextOf } from '../../../../src/record/index.ts'

const OPEN_BRACE = 0x7b
const TRUE = 0x74

const ACTIONS: Readonly<Record<string, TouchedRow['action']>> = { c: 'create', u: 'update', p: 'update', d: 'delete', x: 'conflict' }

/** Values that stand in each line before those of the live row: number, action, whether there is one; then the key. */
const BEFORE_KEY = 3

/**
 * The rows of lines that hold, marked, number and action of a record, whether it has a live row, and its key; then the live row as a line. That row stays bytes until it is text as a whole. Uses
 * the lines up.
 */
export function* touchedRows({ bytes, marks, rows, stride }: RecordBatch): Generator<TouchedRow, void, undefined> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let mark = 0; mark < rows * stride; mark += stride) {
    const value = (at: number) => text.toString('utf8', marks[mark + 2 + 2 * at], marks[mark + 3 + 2 * at])
    const key: string[] = []
    for (let at = BEFORE_KEY; 2 + 2 * at < stride; at++) key.push(value(at))
    const hasLive = text[marks[mark + 2 + 2 * (BEFORE_KEY - 1)]!] === TRUE
    // In place of the comma behind the key; the line ends in `}` and 0x0A.
    const liveAt = marks[mark + 1]!
    text[liveAt] = OPEN_BRACE
    yield {
      line: Number(value(0)),
      action: ACTIONS[value(1).slice(1, -1)]!,
      key: keyTextOf(key),
      live: hasLive ? text.toString('utf8', liveAt, marks[mark]! - 1) : null,
    }
  }
}
