const MAGIC = 0xfd2fb528
const BLOCK_BYTES = 128 * 1024
/** No content size, no checksum, no dictionary; window of 128 KiB (RFC 8878 §3.1.1.1). */
const DESCRIPTOR = 0x00
const WINDOW = 7 << 3

/**
 * A zstd frame that holds its content as it is (RFC 8878, raw blocks). For content that compresses so well that a reader would take it for a decompression
 * bomb: it stays readable, at the price of its size.
 */
export function storedZstdFrame(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.byteLength / BLOCK_BYTES))
  const frame = Buffer.allocUnsafe(6 + blocks * 3 + bytes.byteLength)
  frame.writeUInt32LE(MAGIC, 0)
  frame[4] = DESCRIPTOR
  frame[5] = WINDOW
  let at = 6
  for (let block = 0; block < blocks; block++) {
    const content = bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
    const last = block === blocks - 1 ? 1 : 0
    frame.writeUIntLE(last | (content.byteLength << 3), at, 3)
    frame.set(content, at + 3)
    at += 3 + content.byteLength
  }
  return frame
}
