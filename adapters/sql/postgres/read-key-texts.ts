import type { KeyText } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { createKeyTextReader } from '../../../src/record/key-text.ts'

/** The key of each line, one array a batch. */
export async function* readKeyTexts(lines: AsyncIterable<RecordBatch>, keyFields: number): AsyncGenerator<readonly KeyText[], void, undefined> {
  const keyText = createKeyTextReader(keyFields)
  for await (const { bytes, marks, stride, rows, release } of lines) {
    const keys: KeyText[] = []
    let start = 0
    for (let row = 0; row < rows; row++) {
      keys.push(keyText(bytes, start, marks[row * stride + 1]!))
      start = marks[row * stride]!
    }
    release?.()
    yield keys
  }
}
