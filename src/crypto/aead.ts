import { createCipheriv, createDecipheriv } from 'node:crypto'

export const TAG_BYTES = 16
const SUITE = 'aes-256-gcm'

/** AES-256-GCM. A pair of key and nonce must never be used twice. Returns the bytes followed by the tag. */
export function sealBytes(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, additional: Uint8Array): Buffer {
  const cipher = createCipheriv(SUITE, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additional)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Null when a bit of key, nonce, bytes, tag or additional data is another than it was. Nothing is given out before all is proved. */
export function openBytes(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, additional: Uint8Array): Buffer | null {
  if (sealed.byteLength < TAG_BYTES) return null
  const end = sealed.byteLength - TAG_BYTES
  // Without its length Node accepts a tag of four bytes.
  const decipher = createDecipheriv(SUITE, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(additional)
  decipher.setAuthTag(sealed.subarray(end))
  const plain = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
    return plain
  } catch {
    return null
  }
}
