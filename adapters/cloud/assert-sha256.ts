import { createHash } from 'node:crypto'
import { HoldfastError } from '../../src/kernel/errors.ts'

/** @throws `E_STORAGE`, not to be tried again: the same bytes will not have another sum. */
export function assertSha256(bytes: Uint8Array, sha256: string, what: string): void {
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return
  throw new HoldfastError('E_STORAGE', `${what}: its bytes do not have the SHA-256 that was announced`, { details: { transient: false } })
}
