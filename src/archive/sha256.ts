import { createHash, hash } from 'node:crypto'

/** SHA-256 in hex of one array, or of several in a row. */
export function sha256(bytes: Uint8Array | string | readonly Uint8Array[]): string {
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) return hash('sha256', bytes, 'hex')
  const digest = createHash('sha256')
  for (const piece of bytes) digest.update(piece)
  return digest.digest('hex')
}

export function totalBytes(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
}
