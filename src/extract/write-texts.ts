import { createHash } from 'node:crypto'
import type { ByteSink } from '../files/index.ts'

/** Some text, and how many records are in it. */
export interface RecordText {
  readonly text: string
  readonly records: number
}

export interface WrittenTexts {
  readonly records: number
  readonly bytes: number
  /** Hex, of all of it. */
  readonly sha256: string
}

/** Writes texts as UTF-8, and makes them visible when all are written; nothing is left when that fails. `onRecords`: how many were written by one step. */
export async function writeTexts(sink: ByteSink, texts: AsyncIterable<RecordText>, onRecords: (records: number) => void): Promise<WrittenTexts> {
  const digest = createHash('sha256')
  let records = 0
  let bytes = 0
  try {
    for await (const { text, records: more } of texts) {
      const piece = Buffer.from(text)
      digest.update(piece)
      bytes += piece.byteLength
      records += more
      if (piece.byteLength > 0) await sink.write(piece)
      if (more > 0) onRecords(more)
    }
    await sink.finish()
  } catch (error) {
    await sink.abort(error)
    throw error
  }
  return { records, bytes, sha256: digest.digest('hex') }
}
