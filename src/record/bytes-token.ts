import { ValueError } from './value-error.ts'

/** Bytes: base64 (RFC 4648 §4) with padding. */
export function encodeBytes(value: Uint8Array): string {
  return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`
}

/** The exact inverse of `encodeBytes`. Node's own decoder forgives everything, so the result is printed again and compared. */
export function decodeBytes(token: string): Buffer {
  if (!token.startsWith('"')) throw new ValueError('a base64 string was expected')
  const value = Buffer.from(token.slice(1, -1), 'base64')
  if (encodeBytes(value) !== token) throw new ValueError('not padded base64')
  return value
}
