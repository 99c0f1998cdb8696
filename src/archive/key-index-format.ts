import type { FrameSize } from './frame-table.ts'
import type { KeyIndexContent } from './key-index-builder.ts'
import { BLOOM_HASHES, buildBloom } from './reference-bloom.ts'
import { areBounds, type FrameBounds } from './reference-bounds.ts'

/**
 * The plain body of a key index, little-endian, every section on a multiple of four bytes:
 *
 * ```
 * u32     0x31584648 ("HFX1")
 * u32     frames F
 * u32     rows R
 * u32     references N
 * u32     key bytes K
 * u32     offset of the first frame in the chunk object
 * F ×     u32 stored bytes, u32 plain bytes, u32 rows, 32 bytes SHA-256 of the stored frame
 * R ×     u32 bytes of the line, its 0x0A counted
 * K       key texts, each ended by 0x0A, in the order of the lines; zeros up to a multiple of 4
 * N ×     u32 name bytes, u32 type, u32 data bytes; name, zeros; data, zeros
 * ```
 *
 * Type 1 is a Bloom filter (`reference-bloom.ts`): u32 hashes, then its words. Type 2 are bounds (`reference-bounds.ts`): of each frame the least and the greatest JSON value, each ended by 0x0A,
 * nothing before it where no record of the frame has a value. A field may have a section of each type. A reader passes over types that it does not know: the field may hold anything.
 */
export const INDEX_MAGIC = 0x31584648
export const INDEX_FIXED_BYTES = 24
export const INDEX_FRAME_BYTES = 44
export const INDEX_REFERENCE_BYTES = 12
export const BLOOM_TYPE = 1
export const BOUNDS_TYPE = 2

export interface IndexedFrame extends FrameSize {
  /** SHA-256 of the stored frame: 32 bytes. */
  readonly sha256: Uint8Array
}

/** Up to the next multiple of four. By division, since bit operations would make large sizes negative. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 4) * 4
}

export function encodeKeyIndex(content: KeyIndexContent, frames: readonly IndexedFrame[], bodyOffset: number): Uint8Array {
  const sections = content.references.flatMap(({ field, hashes, frames: bounds }) => {
    const name = Buffer.from(field)
    const bloom = { name, type: BLOOM_TYPE, data: encodeBloom(buildBloom(hashes)) }
    return bounds ? [bloom, { name, type: BOUNDS_TYPE, data: encodeBounds(bounds) }] : [bloom]
  })
  const referenceBytes = sections.reduce((sum, { name, data }) => sum + INDEX_REFERENCE_BYTES + aligned(name.byteLength) + aligned(data.byteLength), 0)
  const lineBytes = content.lineLengths.byteLength
  const out = Buffer.alloc(INDEX_FIXED_BYTES + frames.length * INDEX_FRAME_BYTES + lineBytes + aligned(content.keys.byteLength) + referenceBytes)
  let at = 0
  const u32 = (value: number) => (at = out.writeUInt32LE(value, at))
  const section = (bytes: Uint8Array) => {
    out.set(bytes, at)
    at += aligned(bytes.byteLength)
  }

  for (const value of [INDEX_MAGIC, frames.length, content.lineLengths.length, sections.length, content.keys.byteLength, bodyOffset]) u32(value)
  for (const frame of frames) {
    u32(frame.storedBytes)
    u32(frame.plainBytes)
    u32(frame.rows)
    section(frame.sha256)
  }
  section(littleEndianBytes(content.lineLengths))
  section(content.keys)
  for (const { name, type, data } of sections) {
    for (const value of [name.byteLength, type, data.byteLength]) u32(value)
    section(name)
    section(data)
  }
  return out
}

function encodeBloom(words: Uint32Array): Uint8Array {
  const hashes = Buffer.alloc(4)
  hashes.writeUInt32LE(BLOOM_HASHES)
  return Buffer.concat([hashes, littleEndianBytes(words)])
}

function encodeBounds(frames: readonly FrameBounds[]): Uint8Array {
  return Buffer.from(frames.map((bounds) => (bounds ? `${bounds[0]}\n${bounds[1]}\n` : '\n\n')).join(''))
}

/** Null for what is not the bounds of so many frames: they may hold anything then. */
export function decodeBounds(data: Buffer, count: number): readonly FrameBounds[] | null {
  const texts = data.toString('utf8').split('\n')
  if (texts.length !== 2 * count + 1 || texts.at(-1) !== '') return null
  const frames: FrameBounds[] = []
  for (let i = 0; i < count; i++) {
    const [least, greatest] = [texts[2 * i]!, texts[2 * i + 1]!]
    if ((least === '') !== (greatest === '') || !areBounds({ least, greatest })) return null
    frames.push(least === '' ? null : [least, greatest])
  }
  return frames
}

const BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0

/** The words as bytes of the format; a view of them where the machine is little-endian. */
function littleEndianBytes(words: Uint32Array): Uint8Array {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength)
  return BIG_ENDIAN ? Buffer.from(bytes).swap32() : bytes
}

/** Words of the format, copied out so that they are aligned whatever the source is. */
export function wordsAt(bytes: Uint8Array, start: number, count: number): Uint32Array {
  const copy = Buffer.from(new Uint8Array(bytes.subarray(start, start + count * 4)).buffer)
  if (BIG_ENDIAN) copy.swap32()
  return new Uint32Array(copy.buffer, copy.byteOffset, count)
}
