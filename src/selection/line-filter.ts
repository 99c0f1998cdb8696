import { LineCursor } from '../compare/line-cursor.ts'
import type { KeyText } from '../contracts/key-range.ts'

/** Bytes of lines that are given at once. */
const BATCH_BYTES = 256 * 1024

/** Those lines of pieces that are meant, in pieces of their own. */
export async function* filterLines(
  pieces: AsyncIterable<Uint8Array>,
  keyFields: number,
  isMeant: (line: Buffer, key: () => KeyText) => boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const cursor = new LineCursor(pieces, keyFields)
  let lines: Buffer[] = []
  let bytes = 0
  try {
    for (await cursor.load(); !cursor.done;) {
      if (isMeant(cursor.line, () => cursor.key())) {
        lines.push(Buffer.from(cursor.line))
        bytes += cursor.line.byteLength
        if (bytes >= BATCH_BYTES) {
          yield Buffer.concat(lines)
          lines = []
          bytes = 0
        }
      }
      if (!cursor.step()) await cursor.load()
    }
    if (lines.length > 0) yield Buffer.concat(lines)
  } finally {
    await cursor.close()
  }
}
