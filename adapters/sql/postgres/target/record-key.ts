import type { KeyText } from '../../../../src/contracts/key-range.ts'
import type { LineSource } from '../../../../src/contracts/restore-target.ts'
import type { AbortableOptions } from '../../../../src/kernel/abort.ts'
import { keyTextOf, splitLines } from '../../../../src/record/index.ts'
import type { TextRow } from '../query.ts'
import type { FittedItem } from './fit-record.ts'
import { recordToken } from './record-token.ts'
import { columnOf, textOf } from './row-sql.ts'

/** SELECT list of the key's output texts, read back by `keyOfRow` under the same prefix. */
export function keyColumns(fitted: FittedItem, alias: string, prefix = 'k'): string {
  return fitted.key.map(({ column }, at) => `${textOf(columnOf(alias, column))} AS ${prefix}${at}`).join(', ')
}

/** The key text of a row that selected `keyColumns`; sensitive values hidden. */
export function keyOfRow(fitted: FittedItem, row: TextRow, prefix = 'k'): KeyText {
  return keyTextOf(fitted.key.map(({ record, sensitive }, at) => (sensitive ? '"•••"' : recordToken(record.type, row[`${prefix}${at}`] ?? null))))
}

/** The key of the record with this 1-based number, read from the records again; null when there is none. */
export async function keyOfLine(fitted: FittedItem, lines: LineSource, number: number, options: AbortableOptions): Promise<KeyText | null> {
  for await (const { bytes, ends, firstLine } of splitLines(lines.open(options), options)) {
    const at = number - firstLine
    if (at >= ends.length) continue
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', at === 0 ? 0 : ends[at - 1], ends[at])
    const record = JSON.parse(line) as Record<string, unknown>
    return keyTextOf(fitted.key.map(({ path, sensitive }) => (sensitive ? '"•••"' : JSON.stringify(record[path]))))
  }
  return null
}
