import { createHmac, timingSafeEqual } from 'node:crypto'
import { Type } from 'typebox'
import { canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { createCheck } from './checked-schema.ts'
import { LIMITS } from './limits.ts'
import { ScopeSchema, Sha256Schema, UuidSchema } from './manifest-schema.ts'

/** What a continuation token says: where to look, never what to believe. The journal decides. */
export interface TokenPointer {
  readonly v: 1
  readonly repositoryId: string
  readonly planId: string
  readonly planDigest: string
  readonly sessionId: string
  readonly scope: string | null
}

const checkPointer = createCheck<TokenPointer>()(
  Type.Object({ v: Type.Literal(1), repositoryId: UuidSchema, planId: Type.String(), planDigest: Sha256Schema, sessionId: UuidSchema, scope: ScopeSchema }),
)

/** base64url of the canonical JSON, a dot, base64url of its HMAC-SHA-256. Holds no secret and no record. */
export function signToken(pointer: TokenPointer, secret: Uint8Array): string {
  const body = Buffer.from(canonicalJson(pointer))
  return `${body.toString('base64url')}.${mac(body, secret).toString('base64url')}`
}

/** `E_TOKEN_INVALID` for anything that `signToken` with this secret and repository did not make, to the last character. */
export function verifyToken(token: string, secret: Uint8Array, repositoryId: string): TokenPointer {
  const parts = typeof token === 'string' && token.length <= LIMITS.tokenChars ? token.split('.') : []
  const [body, tag] = parts.map((part) => Buffer.from(part, 'base64url'))
  if (parts.length !== 2 || !body || !tag) throw invalid('it is not of the form that pause() returns')
  const expected = mac(body, secret)
  if (tag.byteLength !== expected.byteLength || !timingSafeEqual(tag, expected)) throw invalid('it was altered, or made by another repository')
  // Decoding base64url passes over stray characters and bits: one token must have one spelling.
  if (`${body.toString('base64url')}.${tag.toString('base64url')}` !== token) throw invalid('it was altered')
  const pointer = parsePointer(body)
  if (pointer.repositoryId !== repositoryId) throw invalid('it is of another repository')
  return pointer
}

function parsePointer(body: Buffer): TokenPointer {
  try {
    return checkPointer(JSON.parse(body.toString()), 'the continuation token')
  } catch (error) {
    throw invalid('it is of a version that is not known here', error)
  }
}

function mac(body: Uint8Array, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update('holdfast continuation token 1\n').update(body).digest()
}

function invalid(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('E_TOKEN_INVALID', `the continuation token cannot be used: ${why}`, { cause })
}
