import { randomBytes } from 'node:crypto'
import type { KeyContext } from '../contracts/key-provider.ts'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { openBytes, sealBytes } from './aead.ts'
import { derive, type KeyPurpose } from './derive.ts'

const SALT_BYTES = 32
/** Each wrap has a key of its own by its salt, so the nonce may be fixed. */
const NONCE = Buffer.alloc(12)

/** Salt, then the key sealed under a key derived from `secret` and the salt. */
export function wrapUnder(secret: Uint8Array, purpose: KeyPurpose, key: Uint8Array, context: KeyContext): Buffer {
  const salt = randomBytes(SALT_BYTES)
  return Buffer.concat([salt, sealBytes(derive(secret, salt, purpose), NONCE, key, additional(context))])
}

/** Null when it does not open. */
export function unwrapUnder(secret: Uint8Array, purpose: KeyPurpose, wrapped: Uint8Array, context: KeyContext): Buffer | null {
  const salt = wrapped.subarray(0, SALT_BYTES)
  return openBytes(derive(secret, salt, purpose), NONCE, wrapped.subarray(SALT_BYTES), additional(context))
}

function additional(context: KeyContext): Buffer {
  return Buffer.from(canonicalJson(context))
}
