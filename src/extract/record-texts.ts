import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { createLineParser } from '../record/index.ts'

/** What `text` makes of the tokens of each record, in the order of the fields, piece by piece; `records` says how many are in it. */
export async function* recordTexts(
  { name, fields }: Pick<EntityDescriptor, 'name' | 'fields'>,
  lines: AsyncIterable<Uint8Array>,
  text: (tokens: readonly string[]) => string,
  { signal }: AbortableOptions,
): AsyncGenerator<{ readonly text: string; readonly records: number }, void, undefined> {
  const parser = createLineParser({ entity: name, fields: fields.map(({ path }) => path) })
  let number = 0
  for await (const piece of lines) {
    throwIfAborted(signal)
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const texts: string[] = []
    for (let start = 0; start < bytes.byteLength;) {
      const end = bytes.indexOf(0x0a, start) + 1
      const spans = parser.spans(bytes, start, end, ++number)
      texts.push(text(fields.map((_, at) => bytes.toString('utf8', spans[at * 2], spans[at * 2 + 1]))))
      start = end
    }
    yield { text: texts.join(''), records: texts.length }
  }
}
