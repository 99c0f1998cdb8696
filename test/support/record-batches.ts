import type { RecordBatch } from '../../src/contracts/record-batch.ts'

export interface BatchShape {
  /** Names of the key fields, first in every record. */
  readonly key: readonly string[]
  readonly references?: readonly string[]
}

/** A batch as a view would yield it: canonical lines and their marks. Records must hold the key fields first. */
export function makeBatch(records: readonly Readonly<Record<string, unknown>>[], { key, references = [] }: BatchShape): RecordBatch {
  const stride = 2 + 2 * references.length
  const marks = new Uint32Array(records.length * stride)
  const lines: Buffer[] = []
  let end = 0
  for (const [row, record] of records.entries()) {
    const start = end
    let text = '{'
    let keyEnd = 0
    const spans = new Map<string, [number, number]>()
    for (const [i, [name, value]] of Object.entries(record).entries()) {
      text += `${i > 0 ? ',' : ''}${JSON.stringify(name)}:`
      const from = Buffer.byteLength(text)
      text += JSON.stringify(value)
      const to = Buffer.byteLength(text)
      if (name === key.at(-1)) keyEnd = to
      spans.set(name, value === null ? [to, to] : [from, to])
    }
    const line = Buffer.from(`${text}}\n`)
    lines.push(line)
    end += line.byteLength
    const pairs = references.flatMap((name) => spans.get(name) ?? [0, 0]).map((at) => start + at)
    marks.set([end, start + keyEnd, ...pairs], row * stride)
  }
  return { bytes: Buffer.concat(lines), rows: records.length, marks, stride }
}

export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
