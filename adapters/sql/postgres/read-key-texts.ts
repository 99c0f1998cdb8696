import type { KeyText } from '../../../src/contracts/key-range.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { HoldfastError } from '../../../src/kernel/errors.ts'
import { createKeyTextReader } from '../../../src/record/key-text.ts'

const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const CLOSE_BRACE = 0x7d

/** The key of each line, one array a batch. The lines hold nothing but the key, and are used up. */
export async function* readKeyTexts(lines: AsyncIterable<RecordBatch>, key: readonly string[]): AsyncGenerator<readonly KeyText[], void, undefined> {
  const readBatch = key.length === 1 ? singleKeys(key[0]!) : severalKeys(key.length)
  for await (const batch of lines) {
    const keys = readBatch(batch)
    batch.release?.()
    yield keys
  }
}

/** `{"id":42}` becomes `{"id"[42]` in place, and then text all at once: many times as fast as line by line. */
function singleKeys(path: string): (batch: RecordBatch) => readonly KeyText[] {
  const name = `{${JSON.stringify(path)}`
  const colonAt = Buffer.byteLength(name)
  return ({ bytes, marks, stride, rows }) => {
    let start = 0
    for (let row = 0; row < rows; row++) {
      const keyEnd = marks[row * stride + 1]!
      if (bytes[start + colonAt] !== COLON || bytes[keyEnd] !== CLOSE_BRACE) throw new HoldfastError('E_RECORD', 'a line does not consist of its key')
      bytes[start + colonAt] = OPEN_BRACKET
      bytes[keyEnd] = CLOSE_BRACKET
      start = marks[row * stride]!
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, start).toString('utf8')
    const keys = text.split('\n', rows)
    for (let row = 0; row < rows; row++) keys[row] = keys[row]!.slice(name.length)
    return keys
  }
}

function severalKeys(fields: number): (batch: RecordBatch) => readonly KeyText[] {
  const keyText = createKeyTextReader(fields)
  return ({ bytes, marks, stride, rows }) => {
    const keys: KeyText[] = []
    let start = 0
    for (let row = 0; row < rows; row++) {
      keys.push(keyText(bytes, start, marks[row * stride + 1]!))
      start = marks[row * stride]!
    }
    return keys
  }
}
