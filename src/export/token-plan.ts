import { HoldfastError } from '../kernel/errors.ts'

/**
 * The plan a token says it is for. Not verified: it only tells which repository's key can verify the token, and a forged one is refused there.
 *
 * @throws HoldfastError `E_TOKEN_INVALID`
 */
export function planOfToken(token: string): string {
  try {
    const pointer: unknown = JSON.parse(Buffer.from(token.slice(0, 4096).split('.')[0]!, 'base64url').toString('utf8'))
    if (typeof pointer === 'object' && pointer !== null && 'planId' in pointer && typeof pointer.planId === 'string') return pointer.planId
  } catch {
    // Not JSON: the same answer as for JSON of another shape.
  }
  throw new HoldfastError('E_TOKEN_INVALID', 'this is not a continuation token')
}
