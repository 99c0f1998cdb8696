import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import { freeBytes } from '../kernel/free-bytes.ts'
import { type BoundsBuilder, createBoundsBuilder } from './bounds-builder.ts'
import { keySpans } from './key-scanner.ts'
import { referenceHash } from './reference-bloom.ts'
import type { FrameBounds } from './reference-bounds.ts'

const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c
const NEWLINE = 0x0a

/** What the lines of a chunk give for its key index. */
export interface KeyIndexContent {
  readonly lineLengths: Uint32Array
  /** Key texts, each ended by 0x0A. */
  readonly keys: Uint8Array
  /** Per reference field: hashes of the values that are not null, and the bounds of each frame, where they are known. */
  readonly references: readonly { readonly field: string; readonly hashes: Uint32Array; readonly frames: readonly FrameBounds[] | null }[]
}

export interface FinishedKeyIndex extends KeyIndexContent {
  readonly firstKey: KeyText
  readonly lastKey: KeyText
  /** Gives the memory of all this back, once the index is written. */
  release(): void
}

export interface KeyIndexBuilder {
  /** The rows from `from` up to `to`; all when not given. */
  add(batch: RecordBatch, from?: number, to?: number): void
  /** A line that is no record, under a text of its own. */
  addText(text: string, lineBytes: number): void
  /** What was added since the last call is a frame of the chunk. */
  endFrame(): void
  finish(): FinishedKeyIndex
}

/** Collects keys, line lengths and reference hashes from the marks of batches. Runs once for every row of a backup. */
export function createKeyIndexBuilder(fields: readonly string[]): KeyIndexBuilder {
  const lengths = createWordList()
  const references = fields.map((field) => ({ field, hashes: createWordList(), bounds: createBoundsBuilder() }))
  let keys = new Uint8Array(64 * 1024)
  let keysEnd = 0
  /** Distance from line start to the only key value: the same in every line, since the field's name is. 0: not known yet, or several key fields. */
  let onlyKeyAt = 0
  let firstLine = true

  function reserve(more: number): void {
    if (keysEnd + more <= keys.byteLength) return
    const larger = new Uint8Array(Math.max(keys.byteLength * 2, keysEnd + more))
    larger.set(keys.subarray(0, keysEnd))
    freeBytes(keys)
    keys = larger
  }

  function copy(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) keys[keysEnd++] = bytes[at]!
  }

  function addKey(bytes: Uint8Array, line: number, keyEnd: number): void {
    reserve(keyEnd - line + 3)
    keys[keysEnd++] = OPEN_BRACKET
    if (firstLine) {
      const spans = keySpans(bytes, line, keyEnd)
      if (spans.length === 2) onlyKeyAt = spans[0]! - line
      firstLine = false
    }
    if (onlyKeyAt > 0) copy(bytes, line + onlyKeyAt, keyEnd)
    else {
      const spans = keySpans(bytes, line, keyEnd)
      for (let i = 0; i < spans.length; i += 2) {
        if (i > 0) keys[keysEnd++] = COMMA
        copy(bytes, spans[i]!, spans[i + 1]!)
      }
    }
    keys[keysEnd++] = CLOSE_BRACKET
    keys[keysEnd++] = NEWLINE
  }

  return {
    add({ bytes, rows, marks, stride }, from = 0, to = rows) {
      const lineLengths = lengths.reserve(to - from)
      for (let row = from, mark = from * stride, line = from === 0 ? 0 : marks[mark - stride]!; row < to; row++, mark += stride) {
        const end = marks[mark]!
        addKey(bytes, line, marks[mark + 1]!)
        lineLengths[row - from] = end - line
        line = end
      }
      lengths.take(to - from)
      for (const [i, reference] of references.entries()) addReferences(reference, bytes, to - from, marks, stride, from * stride + 2 + 2 * i)
    },
    addText(text, lineBytes) {
      const bytes = Buffer.from(text)
      reserve(bytes.byteLength + 1)
      keys.set(bytes, keysEnd)
      keysEnd += bytes.byteLength
      keys[keysEnd++] = NEWLINE
      lengths.reserve(1)[0] = lineBytes
      lengths.take(1)
    },
    endFrame() {
      for (const { bounds } of references) bounds.endFrame()
    },
    finish() {
      const texts = Buffer.from(keys.buffer, 0, keysEnd)
      const lastStart = texts.lastIndexOf(NEWLINE, keysEnd - 2) + 1
      return {
        lineLengths: lengths.finish(),
        keys: texts,
        references: references.map(({ field, hashes, bounds }) => ({ field, hashes: hashes.finish(), frames: bounds.finish() })),
        firstKey: texts.toString('utf8', 0, texts.indexOf(NEWLINE)),
        lastKey: texts.toString('utf8', lastStart, keysEnd - 1),
        release() {
          freeBytes(keys)
          lengths.release()
          for (const { hashes } of references) hashes.release()
        },
      }
    },
  }
}

interface ReferenceField {
  readonly hashes: WordList
  readonly bounds: BoundsBuilder
}

function addReferences({ hashes, bounds }: ReferenceField, bytes: Uint8Array, rows: number, marks: Uint32Array, stride: number, pair: number): void {
  const room = hashes.reserve(rows)
  let count = 0
  for (let row = 0, mark = pair; row < rows; row++, mark += stride) {
    const start = marks[mark]!
    const end = marks[mark + 1]!
    if (end <= start) continue
    room[count++] = referenceHash(bytes, start, end)
    bounds.add(bytes, start, end)
  }
  hashes.take(count)
}

/** A growing Uint32Array. */
interface WordList {
  /** Room for that many more words, to be written by the caller… */
  reserve(more: number): Uint32Array
  /** …who then says how many it has written. */
  take(count: number): void
  finish(): Uint32Array
  release(): void
}

function createWordList(): WordList {
  let words = new Uint32Array(4096)
  let length = 0
  return {
    reserve(more) {
      if (length + more > words.length) {
        const larger = new Uint32Array(Math.max(words.length * 2, length + more))
        larger.set(words.subarray(0, length))
        freeBytes(words)
        words = larger
      }
      return words.subarray(length, length + more)
    },
    take(count) {
      length += count
    },
    finish: () => words.subarray(0, length),
    release: () => freeBytes(words),
  }
}
