import { hkdfSync } from 'node:crypto'

/** What a derived key is for. Each purpose has a label of its own, so that no key serves two. */
export type KeyPurpose =
  | 'object'
  | 'chunk-names'
  | 'commitment'
  | 'ring-mac'
  | 'token'
  | 'scope-id'
  | 'erasure'
  | 'key-file'
  | 'passphrase'
  | 'x25519'
  | 'fingerprint'

export const KEY_BYTES = 32

/** HKDF-SHA-256 (RFC 5869). */
export function derive(secret: Uint8Array, salt: Uint8Array | string, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `holdfast/1/${purpose}`, KEY_BYTES))
}
