import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import { createLineParser, type ValueSpans } from './line-parser.ts'

/** Bytes of a piece that others take the place of. */
export interface Splice {
  readonly from: number
  readonly to: number
  readonly by: Uint8Array
}

/** A line from `start` to `end`, its 0x0A included, in the piece that holds it; `number` counts from 1. `spans` mean nothing after the next line. */
export interface SplicedLine {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly spans: ValueSpans
  readonly number: number
}

const NEWLINE = 0x0a
export const NOTHING = Buffer.alloc(0)

/**
 * Pieces of whole lines with some bytes replaced; all others are as they were. A piece in which nothing is replaced is handed on as it is, and one of which nothing is left is left out.
 *
 * @param splicesOf of one line, from front to back
 */
export async function* spliceLines(
  { name, fields }: Pick<EntityDescriptor, 'name' | 'fields'>,
  pieces: AsyncIterable<Uint8Array>,
  splicesOf: (line: SplicedLine) => Iterable<Splice>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const parser = createLineParser({ entity: name, fields: fields.map(({ path }) => path) })
  let number = 0
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const out: Uint8Array[] = []
    let taken = 0
    for (let start = 0; start < bytes.byteLength;) {
      const end = bytes.indexOf(NEWLINE, start) + 1
      const spans = parser.spans(bytes, start, end, ++number)
      for (const { from, to, by } of splicesOf({ bytes, start, end, spans, number })) {
        out.push(bytes.subarray(taken, from), by)
        taken = to
      }
      start = end
    }
    const rest = taken === 0 ? bytes : Buffer.concat([...out, bytes.subarray(taken)])
    if (rest.byteLength > 0) yield rest
  }
}
