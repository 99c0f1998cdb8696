import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import type { Compression } from '../plan/backup-policy.ts'
import { corrupt } from './archive-error.ts'
import { isBomb } from './limits.ts'

const gunzipAsync = promisify(gunzip)
const unzstdAsync = promisify(zstdDecompress)
const MAX_OUTPUT_STEP = 8 * 1024 * 1024
const MIN_OUTPUT_STEP = 64

/** The inverse of `compressFrame`. The plain size is known beforehand; not one byte more is taken into memory. */
export async function decompressFrame(stored: Uint8Array, compression: Compression, plainBytes: number, object: string): Promise<Uint8Array> {
  if (isBomb(plainBytes, stored.byteLength)) throw corrupt(object, `${stored.byteLength} bytes claim to hold ${plainBytes}`)
  const plain = compression === 'none' ? stored : await inflate(stored, compression, plainBytes, object)
  if (plain.byteLength !== plainBytes) throw corrupt(object, `${plain.byteLength} plain bytes where ${plainBytes} were declared`)
  return plain
}

async function inflate(stored: Uint8Array, compression: 'zstd' | 'gzip', plainBytes: number, object: string): Promise<Uint8Array> {
  // One output buffer of just the right size for the usual frame: the fewer steps, the faster.
  const options = { maxOutputLength: Math.max(1, plainBytes), chunkSize: Math.min(MAX_OUTPUT_STEP, plainBytes + MIN_OUTPUT_STEP) }
  try {
    return await (compression === 'zstd' ? unzstdAsync(stored, options) : gunzipAsync(stored, options))
  } catch (error) {
    throw corrupt(object, 'does not decompress', error)
  }
}
