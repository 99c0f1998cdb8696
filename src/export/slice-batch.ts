import type { HashedTexts, RecordBatch } from '../contracts/record-batch.ts'

/**
 * The batch in pieces of whole rows of about `maxBytes`. The bytes are shared; only marks are copied. A batch that is small enough is its only piece: plans
 * with ordinary chunks pay nothing.
 */
export function* sliceBatch(batch: RecordBatch, maxBytes: number): Generator<RecordBatch> {
  if (batch.bytes.length <= maxBytes || batch.rows <= 1) {
    yield batch
    return
  }
  const { bytes, rows, marks, stride, hashed } = batch
  let firstRow = 0
  let start = 0
  for (let row = 0; row < rows; row++) {
    const end = marks[row * stride]!
    if (end - start < maxBytes && row < rows - 1) continue
    const sliced = marks.slice(firstRow * stride, (row + 1) * stride)
    for (let mark = 0; mark < sliced.length; mark++) sliced[mark]! -= start
    const texts = hashed && sliceTexts(hashed, firstRow, row + 1)
    yield { bytes: bytes.subarray(start, end), rows: row + 1 - firstRow, marks: sliced, stride, ...(texts ? { hashed: texts } : {}) }
    firstRow = row + 1
    start = end
  }
}

function sliceTexts({ bytes, ends }: HashedTexts, from: number, to: number): HashedTexts {
  const start = from === 0 ? 0 : ends[from - 1]!
  return { bytes: bytes.subarray(start, ends[to - 1]), ends: ends.slice(from, to).map((end) => end - start) }
}
