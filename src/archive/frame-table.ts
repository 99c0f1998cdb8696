import { hash, timingSafeEqual } from 'node:crypto'
import { corrupt } from './archive-error.ts'
import { isBomb, LIMITS } from './limits.ts'

/**
 * The frame table of a chunk, between prefix and frames, so that a reader can take the frames apart without the key index:
 *
 * ```
 * u32 LE  0x184D2A5F       another zstd skippable frame
 * u32 LE  12 n + 32
 * n ×     u32 LE stored bytes, u32 LE plain bytes, u32 LE rows
 * 32 bytes SHA-256 of the entries
 * ```
 */
const MAGIC = 0x184d2a5f
const FIXED_BYTES = 8
const ENTRY_BYTES = 12
const HASH_BYTES = 32

export interface FrameSize {
  readonly storedBytes: number
  readonly plainBytes: number
  readonly rows: number
}

export function frameTableBytes(frames: number): number {
  return FIXED_BYTES + frames * ENTRY_BYTES + HASH_BYTES
}

export function encodeFrameTable(frames: readonly FrameSize[]): Uint8Array {
  const table = Buffer.allocUnsafe(frameTableBytes(frames.length))
  table.writeUInt32LE(MAGIC, 0)
  table.writeUInt32LE(table.byteLength - FIXED_BYTES, 4)
  let at = FIXED_BYTES
  for (const frame of frames) {
    table.writeUInt32LE(frame.storedBytes, at)
    table.writeUInt32LE(frame.plainBytes, at + 4)
    table.writeUInt32LE(frame.rows, at + 8)
    at += ENTRY_BYTES
  }
  hash('sha256', table.subarray(FIXED_BYTES, at), 'buffer').copy(table, at)
  return table
}

/** `bytes` begins with the table. Sizes beyond the limits are refused here, before memory is taken for them. */
export function decodeFrameTable(bytes: Uint8Array, frames: number, object: string): readonly FrameSize[] {
  if (frames < 1 || frames > LIMITS.frames) throw corrupt(object, `declares ${frames} frames`)
  const table = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, frameTableBytes(frames)))
  const end = FIXED_BYTES + frames * ENTRY_BYTES
  if (table.byteLength < end + HASH_BYTES) throw corrupt(object, 'ends inside its frame table')
  if (table.readUInt32LE(0) !== MAGIC || table.readUInt32LE(4) !== table.byteLength - FIXED_BYTES) throw corrupt(object, 'has no frame table')
  if (!timingSafeEqual(hash('sha256', table.subarray(FIXED_BYTES, end), 'buffer'), table.subarray(end))) throw corrupt(object, 'its frame table was altered')
  const sizes: FrameSize[] = []
  for (let at = FIXED_BYTES; at < end; at += ENTRY_BYTES) {
    const size = { storedBytes: table.readUInt32LE(at), plainBytes: table.readUInt32LE(at + 4), rows: table.readUInt32LE(at + 8) }
    if (size.plainBytes > LIMITS.frameBytes || isBomb(size.plainBytes, size.storedBytes))
      throw corrupt(object, `a frame of ${size.storedBytes} bytes declares ${size.plainBytes}`)
    sizes.push(size)
  }
  return sizes
}
