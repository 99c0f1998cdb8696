import type { KeyText } from '../contracts/key-range.ts'
import type { Compression } from '../plan/backup-policy.ts'
import { corrupt } from './archive-error.ts'
import { locateKeys } from './key-locator.ts'
import {
  aligned,
  BLOOM_TYPE,
  BOUNDS_TYPE,
  decodeBounds,
  INDEX_FIXED_BYTES,
  INDEX_FRAME_BYTES,
  INDEX_MAGIC,
  INDEX_REFERENCE_BYTES,
  wordsAt,
} from './key-index-format.ts'
import { isBomb, LIMITS } from './limits.ts'
import { BLOCK_WORDS, bloomMayHold, referenceHash } from './reference-bloom.ts'
import { boundsOf, type FrameBounds, type ReferenceBounds } from './reference-bounds.ts'

const NEWLINE = 0x0a
/** Four of them, and masks of four bytes. */
const ENDS = 0x0a0a0a0a
const LOW_BITS = 0x7f7f7f7f
const TOP_BITS = 0x80808080

/** One independently compressed piece of a chunk. */
export interface FrameEntry {
  /** Of the frame in the stored object. */
  readonly offset: number
  readonly storedBytes: number
  /** SHA-256 (hex) of the stored frame. */
  readonly storedSha256: string
  readonly plainBytes: number
  readonly rows: number
}

/** Where a record is. */
export interface RecordPlace {
  /** 0-based, in the chunk. */
  readonly row: number
  readonly frame: number
  /** In the plain bytes of the frame, 0x0A not counted. */
  readonly start: number
  readonly end: number
}

/** The key index of a chunk, in memory. */
export interface KeyIndex {
  readonly rows: number
  /** Of the chunk's frames. */
  readonly compression: Compression
  readonly frames: readonly FrameEntry[]
  /** In the order of the lines. For deltas see `delta-text.ts`. */
  keys(): IterableIterator<KeyText>
  /** The key of one row. */
  keyAt(row: number): KeyText
  /** Bytes of each line, its 0x0A counted. */
  readonly lineLengths: Uint32Array
  /** Rows of those of the keys that are there, found in one pass. A key that is there twice is `E_ARCHIVE_CORRUPT`. */
  locate(keys: ReadonlySet<KeyText>): Map<KeyText, number>
  find(key: KeyText): RecordPlace | null
  /**
   * False when no record of the chunk has that value in that reference field; true means perhaps. Always true for a field that the index does not know.
   * `value` is the JSON value in record encoding.
   */
  mayReference(field: string, value: string): boolean
  /** Between which values those of that reference field lie, frame by frame; null where the index does not know. */
  frameBounds(field: string): readonly FrameBounds[] | null
  /** The same of the whole chunk, of the fields of which it is known. */
  readonly references: readonly ReferenceBounds[]
}

interface Bloom {
  readonly hashes: number
  readonly words: Uint32Array
}

/** Reads the plain body of a key index; sections that do not add up are `E_ARCHIVE_CORRUPT`. */
export function decodeKeyIndex(plain: Uint8Array, compression: Compression, object: string): KeyIndex {
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  const need = (end: number) => {
    if (end > bytes.byteLength) throw corrupt(object, 'its sections do not add up')
  }
  need(INDEX_FIXED_BYTES)
  const [magic, frameCount, rows, references, keyBytes, bodyOffset] = wordsAt(bytes, 0, 6) as unknown as [number, number, number, number, number, number]
  if (magic !== INDEX_MAGIC) throw corrupt(object, 'is not a key index')
  const linesAt = INDEX_FIXED_BYTES + frameCount * INDEX_FRAME_BYTES
  const keysAt = linesAt + rows * 4
  need(keysAt + aligned(keyBytes))
  const frames = readFrameEntries(bytes, frameCount, bodyOffset)
  const lineLengths = wordsAt(bytes, linesAt, rows)
  const keys = bytes.subarray(keysAt, keysAt + keyBytes)
  const { blooms, bounds } = readReferences(bytes, keysAt + aligned(keyBytes), { references, frames: frameCount }, need)
  if (!addsUp(frames, lineLengths)) throw corrupt(object, 'its frames and lines do not agree')
  if (countEnds(keys) !== rows || keys.at(-1) !== NEWLINE) throw corrupt(object, 'its keys and lines do not agree')

  return {
    rows,
    compression,
    frames,
    // Made into text all at once: many times as fast as key by key.
    keys: () =>
      keys
        .toString('utf8', 0, keys.byteLength - 1)
        .split('\n')
        .values(),
    keyAt(row) {
      if (row < 0 || row >= rows) throw new RangeError(`there is no row ${row}`)
      // From whichever end is nearer: the first and the last key are what is asked for.
      let start = 0
      if (row < rows / 2) for (let before = 0; before < row; before++) start = keys.indexOf(NEWLINE, start) + 1
      else {
        let end = keys.byteLength - 1
        for (let after = rows - 1; after > row; after--) end = keys.lastIndexOf(NEWLINE, end - 1)
        start = keys.lastIndexOf(NEWLINE, end - 1) + 1
      }
      return keys.toString('utf8', start, keys.indexOf(NEWLINE, start))
    },
    lineLengths,
    locate: (wanted) => locateKeys(keys, wanted, object),
    find(key) {
      if (key.includes('\n')) return null
      const row = findRow(keys, Buffer.from(`${key}\n`))
      return row < 0 ? null : placeOf(row, frames, lineLengths)
    },
    mayReference(field, value) {
      const bloom = blooms.get(field)
      if (!bloom) return true
      const text = Buffer.from(value)
      return bloomMayHold(bloom.words, bloom.hashes, referenceHash(text, 0, text.byteLength))
    },
    frameBounds: (field) => bounds.get(field) ?? null,
    references: [...bounds].map(([field, each]) => boundsOf(field, each)),
  }
}

function readFrameEntries(bytes: Buffer, count: number, bodyOffset: number): FrameEntry[] {
  const frames: FrameEntry[] = []
  let offset = bodyOffset
  for (let i = 0, at = INDEX_FIXED_BYTES; i < count; i++, at += INDEX_FRAME_BYTES) {
    const storedBytes = bytes.readUInt32LE(at)
    const storedSha256 = bytes.toString('hex', at + 12, at + INDEX_FRAME_BYTES)
    frames.push({ offset, storedBytes, storedSha256, plainBytes: bytes.readUInt32LE(at + 4), rows: bytes.readUInt32LE(at + 8) })
    offset += storedBytes
  }
  return frames
}

interface References {
  readonly blooms: ReadonlyMap<string, Bloom>
  readonly bounds: ReadonlyMap<string, readonly FrameBounds[]>
}

function readReferences(
  bytes: Buffer,
  start: number,
  counts: { readonly references: number; readonly frames: number },
  need: (end: number) => void,
): References {
  const blooms = new Map<string, Bloom>()
  const bounds = new Map<string, readonly FrameBounds[]>()
  let at = start
  for (let i = 0; i < counts.references; i++) {
    need(at + INDEX_REFERENCE_BYTES)
    const nameBytes = bytes.readUInt32LE(at)
    const type = bytes.readUInt32LE(at + 4)
    const dataBytes = bytes.readUInt32LE(at + 8)
    const nameAt = at + INDEX_REFERENCE_BYTES
    const dataAt = nameAt + aligned(nameBytes)
    at = dataAt + aligned(dataBytes)
    need(at)
    const field = bytes.toString('utf8', nameAt, nameAt + nameBytes)
    if (type === BOUNDS_TYPE) {
      const known = decodeBounds(bytes.subarray(dataAt, dataAt + dataBytes), counts.frames)
      if (known) bounds.set(field, known)
    }
    const words = Math.floor(dataBytes / 4) - 1
    if (type !== BLOOM_TYPE || words < BLOCK_WORDS || words % BLOCK_WORDS !== 0) continue
    blooms.set(field, {
      hashes: Math.min(bytes.readUInt32LE(dataAt), 32),
      words: wordsAt(bytes, dataAt + 4, words),
    })
  }
  return { blooms, bounds }
}

/** Does each frame hold exactly the lines it says, within what a reader accepts? */
function addsUp(frames: readonly FrameEntry[], lineLengths: Uint32Array): boolean {
  let row = 0
  for (const frame of frames) {
    if (frame.plainBytes > LIMITS.frameBytes || isBomb(frame.plainBytes, frame.storedBytes)) return false
    if (frame.rows > lineLengths.length - row) return false
    let plainBytes = 0
    for (const end = row + frame.rows; row < end; row++) plainBytes += lineLengths[row]!
    if (plainBytes !== frame.plainBytes) return false
  }
  return row === lineLengths.length
}

function findRow(keys: Buffer, needle: Buffer): number {
  if (keys.subarray(0, needle.byteLength).equals(needle)) return 0
  const found = keys.indexOf(Buffer.concat([Buffer.of(NEWLINE), needle]))
  return found < 0 ? -1 : countEnds(keys.subarray(0, found + 1))
}

function placeOf(row: number, frames: readonly FrameEntry[], lineLengths: Uint32Array): RecordPlace {
  let frame = 0
  let first = 0
  while (row >= first + frames[frame]!.rows) first += frames[frame++]!.rows
  let start = 0
  for (let before = first; before < row; before++) start += lineLengths[before]!
  return { row, frame, start, end: start + lineLengths[row]! - 1 }
}

export function countNewlines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}

/** The same where one stands every few bytes: there it is faster to look at all of them, four at once, than to be told the next. */
function countEnds(keys: Uint8Array): number {
  const words = wordsAt(keys, 0, Math.floor(keys.byteLength / 4))
  let count = 0
  for (let i = 0; i < words.length; i++) {
    // In each byte that is an end the top bit stays clear, in all others it is set.
    const others = words[i]! ^ ENDS
    const set = ((others & LOW_BITS) + LOW_BITS) | others
    count += Math.imul((~set & TOP_BITS) >>> 7, 0x01010101) >>> 24
  }
  for (let at = words.length * 4; at < keys.byteLength; at++) if (keys[at] === NEWLINE) count++
  return count
}
