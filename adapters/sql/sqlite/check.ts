import { createHash } from 'node:crypto'
import type { KnownRange, RangeState } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'

/**
 * Reads the range again and compares rows and hash with what is known. Nothing cheaper is a proof on SQLite: a row that was changed leaves no trace but
 * itself. What it saves is compressing and storing. Reading stops as soon as there are more rows than there should be.
 */
export async function checkRange(index: number, known: KnownRange, lines: AsyncIterable<RecordBatch>): Promise<RangeState> {
  if (known.sha256 === null) return { index, state: 'unknown', method: 'sha256', reason: 'digest' }
  const hash = createHash('sha256')
  let rows = 0
  for await (const batch of lines) {
    rows += batch.rows
    if (rows > known.rows) return { index, state: 'changed', method: 'sha256', reason: 'rows' }
    hash.update(batch.bytes)
  }
  if (rows < known.rows) return { index, state: 'changed', rows, method: 'sha256', reason: 'rows' }
  if (hash.digest('hex') !== known.sha256) return { index, state: 'changed', rows, method: 'sha256', reason: 'digest' }
  return { index, state: 'unchanged', rows, method: 'sha256' }
}
