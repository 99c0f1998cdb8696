import { createHash, timingSafeEqual } from 'node:crypto'
import type { Authorize } from 'holdfast/fastify'

/** Lets in whoever has the token, to everything. An application with users would look up here what the caller may do: `action` says whether it reads or controls. */
export function bearerToken(token: string | undefined): Authorize {
  if (!token || token.length < 16) throw new Error('Set HOLDFAST_TOKEN to a secret of at least 16 characters.')
  const expected = digest(`Bearer ${token}`)
  return (request, reply) => {
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return true
    reply.header('www-authenticate', 'Bearer')
    return 'unauthenticated'
  }
}

/** Of one length, so that the comparison takes one time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
