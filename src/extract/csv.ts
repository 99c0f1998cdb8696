import type { AbortableOptions } from '../kernel/abort.ts'
import type { ExtractedEntity } from './extracted-entity.ts'
import { HIDDEN_VALUE } from '../record/index.ts'
import { recordTexts } from './record-texts.ts'

/**
 * RFC 4180: a line of property paths, then a line a record, each ended by CR LF. SQL NULL is an empty field, an empty text is `""`; texts stand as they are, everything else as in the record.
 */
export async function* csvOf({ entity, hidden, lines }: ExtractedEntity, options: AbortableOptions): AsyncGenerator<{ text: string; records: number }> {
  const { fields } = entity.descriptor
  yield { text: row(fields.map(({ path }) => quoted(path))), records: 0 }
  const shown = fields.map(({ path }) => !hidden.has(path))
  yield* recordTexts(entity.descriptor, lines(options), (tokens) => row(tokens.map((token, at) => (shown[at] ? csvField(token) : HIDDEN_VALUE))), options)
}

function row(values: readonly string[]): string {
  return `${values.join(',')}\r\n`
}

/** A JSON token as a field. */
export function csvField(token: string): string {
  if (token === 'null') return ''
  return token.startsWith('"') ? quoted(JSON.parse(token) as string) : quoted(token)
}

/** The empty text in quotes, since NULL has none. */
function quoted(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
