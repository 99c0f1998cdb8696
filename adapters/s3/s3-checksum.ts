import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** By which sum the service checks what it is sent. */
export type S3Checksum = 'md5' | 'crc32' | 'sha256'

/** `signature`: by the SHA-256 that each request is signed with, so that none is added. */
export type S3Sum = S3Checksum | 'signature'

/** Parameters of a request that carries these bytes. */
export function sumOf(bytes: Uint8Array, checksum: S3Sum): Readonly<Record<string, string>> {
  if (checksum === 'signature') return {}
  if (checksum === 'md5') return { ContentMD5: createHash('md5').update(bytes).digest('base64') }
  if (checksum === 'sha256') return { ChecksumSHA256: createHash('sha256').update(bytes).digest('base64') }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return { ChecksumCRC32: sum.toString('base64') }
}

/** Parameters of an upload whose parts carry sums. A `Content-MD5` belongs to its request alone. */
export function uploadSum(checksum: S3Sum): Readonly<Record<string, string>> {
  return checksum === 'md5' || checksum === 'signature' ? {} : { ChecksumAlgorithm: checksum.toUpperCase() }
}

/** Of the sum of a part, what the completion must repeat. */
export function partSum(sum: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return 'ContentMD5' in sum ? {} : sum
}
