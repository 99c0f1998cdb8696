import { createCipheriv, createSecretKey } from 'node:crypto'
import { openBytes, TAG_BYTES } from './aead.ts'

/**
 * Encrypted bodies: segments of 64 KiB, each sealed with AES-256-GCM under the object's own key. The nonce is an 11-byte counter and a last byte that is 1 in the
 * final segment, so that segments cannot be left out, doubled, put in another order or cut off (the STREAM construction of Hoang et al., as age uses it).
 */
export const SEGMENT_BYTES = 64 * 1024
const NONCE_BYTES = 12

/** What n plain bytes take. An empty body is one empty final segment. */
export function sealedLength(plainBytes: number): number {
  return plainBytes + Math.max(1, Math.ceil(plainBytes / SEGMENT_BYTES)) * TAG_BYTES
}

/** How many plain bytes are in a body of that length; null when no body has it. */
export function plainLength(sealedBytes: number): number | null {
  const plainBytes = sealedBytes - Math.ceil(sealedBytes / (SEGMENT_BYTES + TAG_BYTES)) * TAG_BYTES
  return plainBytes >= 0 && sealedLength(plainBytes) === sealedBytes ? plainBytes : null
}

/**
 * The sealed body in pieces, to be written one after the other: joining them would cost as much as sealing. `key` seals this one body and nothing else, ever.
 */
export function sealSegments(key: Uint8Array, additional: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[] {
  const total = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  const secret = createSecretKey(key)
  const sealed: Uint8Array[] = []
  let piece = 0
  let taken = 0
  for (let start = 0, segment = 0; start === 0 || start < total; start += SEGMENT_BYTES, segment++) {
    const final = start + SEGMENT_BYTES >= total
    const cipher = createCipheriv('aes-256-gcm', secret, nonceOf(segment, final), { authTagLength: TAG_BYTES })
    cipher.setAAD(additional)
    for (let left = Math.min(SEGMENT_BYTES, total - start); left > 0;) {
      const source = pieces[piece]!
      const part = source.subarray(taken, taken + left)
      if (part.byteLength > 0) sealed.push(cipher.update(part))
      left -= part.byteLength
      taken += part.byteLength
      if (taken === source.byteLength) {
        piece++
        taken = 0
      }
    }
    cipher.final() // gives nothing out in this mode
    sealed.push(cipher.getAuthTag())
  }
  return sealed
}

/** The whole body; null when any of it is not what was sealed. */
export function openSegments(key: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Buffer | null {
  const total = plainLength(sealed.byteLength)
  if (total === null) return null
  const plain = Buffer.allocUnsafe(total)
  const step = SEGMENT_BYTES + TAG_BYTES
  let at = 0
  for (let start = 0, segment = 0; start < sealed.byteLength; start += step, segment++) {
    const opened = openBytes(key, nonceOf(segment, start + step >= sealed.byteLength), sealed.subarray(start, start + step), additional)
    if (!opened) return null
    at += opened.copy(plain, at)
  }
  return plain
}

/** Where in the body the segments stand that hold plain bytes `start` to `end`, and how many plain bytes of them come before `start`. */
export function segmentSpan(start: number, end: number): { readonly first: number; readonly from: number; readonly to: number; readonly skip: number } {
  const first = Math.floor(start / SEGMENT_BYTES)
  const last = Math.max(first, Math.ceil(end / SEGMENT_BYTES) - 1)
  const step = SEGMENT_BYTES + TAG_BYTES
  return { first, from: first * step, to: (last + 1) * step, skip: start - first * SEGMENT_BYTES }
}

/** Whole segments out of the middle of a body, `first` being the number of the first; null when any of them is not what was sealed. */
export function openSpan(key: Uint8Array, additional: Uint8Array, sealed: Uint8Array, first: number): Buffer | null {
  const step = SEGMENT_BYTES + TAG_BYTES
  const opened: Buffer[] = []
  for (let start = 0, segment = first; start < sealed.byteLength; start += step, segment++) {
    const body = sealed.subarray(start, start + step)
    // Only the last one of what was read can be the last of all. Which it is, the tag tells.
    const last = start + step >= sealed.byteLength
    const plain = openBytes(key, nonceOf(segment, false), body, additional) ?? (last ? openBytes(key, nonceOf(segment, true), body, additional) : null)
    if (!plain) return null
    opened.push(plain)
  }
  return Buffer.concat(opened)
}

function nonceOf(segment: number, final: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUIntBE(segment, 5, 6)
  nonce[NONCE_BYTES - 1] = final ? 1 : 0
  return nonce
}
