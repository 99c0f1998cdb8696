import type { RecordBatch } from '../contracts/record-batch.ts'

/**
 * The batch in pieces of whole rows of about `maxBytes`. The bytes are shared; only marks are copied. A batch that is small enough is its only piece: plans
 * with ordinary chunks pay nothing.
 */
export function* sliceBatch(batch: RecordBatch, maxBytes: number): Generator<RecordBatch> {
  if (batch.bytes.length <= maxBytes || batch.rows <= 1) {
    yield batch
    return
  }
  const { bytes, rows, marks, stride } = batch
  let firstRow = 0
  let start = 0
  for (let row = 0; row < rows; row++) {
    const end = marks[row * stride]!
    if (end - start < maxBytes && row < rows - 1) continue
    const sliced = marks.slice(firstRow * stride, (row + 1) * stride)
    for (let mark = 0; mark < sliced.length; mark++) sliced[mark]! -= start
    yield { bytes: bytes.subarray(start, end), rows: row + 1 - firstRow, marks: sliced, stride }
    firstRow = row + 1
    start = end
  }
}
