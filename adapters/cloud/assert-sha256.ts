import { HoldfastError } from '../../src/kernel/errors.ts'

/**
 * The sum is made in the thread pool, beside the compression of what comes next; copying them there is a tenth of the work.
 * @throws `E_STORAGE`, not to be tried again: the same bytes will not have another sum.
 */
export async function assertSha256(bytes: Uint8Array, sha256: string, what: string): Promise<void> {
  const sum = Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex')
  if (sum === sha256) return
  throw new HoldfastError('E_STORAGE', `${what}: its bytes do not have the SHA-256 that was announced`, { details: { transient: false } })
}
