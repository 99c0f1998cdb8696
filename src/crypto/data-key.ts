import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { derive, KEY_BYTES } from './derive.ts'

/** A key in the clear, in memory only. */
export interface DataKey {
  /** 16 hex digits. */
  readonly id: string
  /** Seals objects, by a key derived for each. */
  readonly secret: Buffer
  /** Names chunks. The same in every key of a scope, so that equal lines are found again. */
  readonly naming: Buffer
}

const ID_BYTES = 8

/** `naming`: of the key before, where there is one. */
export function newDataKey(naming: Buffer = randomBytes(KEY_BYTES)): DataKey {
  return { id: randomBytes(ID_BYTES).toString('hex'), secret: randomBytes(KEY_BYTES), naming }
}

/** What providers wrap. */
export function keyBytes({ secret, naming }: DataKey): Buffer {
  return Buffer.concat([secret, naming])
}

/** Null when it is not the key that was committed to: AES-GCM alone does not tell keys apart for sure. */
export function keyFrom(bytes: Uint8Array, id: string, commitment: string): DataKey | null {
  if (bytes.byteLength !== 2 * KEY_BYTES) return null
  const key = { id, secret: Buffer.from(bytes.subarray(0, KEY_BYTES)), naming: Buffer.from(bytes.subarray(KEY_BYTES)) }
  const [expected, actual] = [Buffer.from(commitment, 'hex'), Buffer.from(commitmentOf(key), 'hex')]
  return expected.byteLength === actual.byteLength && timingSafeEqual(expected, actual) ? key : null
}

/** Hex. Says which key it is and nothing of it. */
export function commitmentOf(key: DataKey): string {
  return derive(keyBytes(key), key.id, 'commitment').toString('hex')
}

/** The name of a chunk: HMAC-SHA-256 (hex) over the SHA-256 of its plain lines. Says nothing of known content to who lacks the key. */
export function chunkNameOf({ naming }: DataKey, plainSha256: string): string {
  return createHmac('sha256', derive(naming, '', 'chunk-names'))
    .update(Buffer.from(plainSha256, 'hex'))
    .digest('hex')
}
