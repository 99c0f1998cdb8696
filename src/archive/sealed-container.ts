import { hash, randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { sealedLength } from '../crypto/index.ts'
import { corrupt, tooNew } from './archive-error.ts'
import { createCheck } from './checked-schema.ts'
import { UuidSchema } from './manifest-schema.ts'
import { encodePrefix, ENCRYPTION_FEATURE, parseJson, prefixJson, requireKnownFeatures } from './object-container.ts'

const SUITE = 'aes-256-gcm'
const SALT_BYTES = 32

/** The header of an encrypted object: of what is inside it says nothing. Its SHA-256 is authenticated with every segment of the body. */
export interface SealedHeader {
  readonly format: 1
  readonly magic: 'holdfast'
  readonly kind: 'sealed'
  readonly compression: 'none'
  readonly encryption: {
    readonly suite: typeof SUITE
    /** Id of the scope's key. */
    readonly key: string
    /** 32 random bytes, base64: with the scope's key it gives the key of this one object. */
    readonly salt: string
  }
  readonly features: readonly [typeof ENCRYPTION_FEATURE]
  readonly repositoryId: string
  /** Name below the repository's prefix. */
  readonly object: string
}

export interface SealedPrefix {
  readonly keyId: string
  readonly salt: Buffer
  /** What every segment is bound to. */
  readonly additional: Buffer
  readonly bodyOffset: number
}

const check = createCheck<SealedHeader>()(
  Type.Object({
    format: Type.Literal(1),
    magic: Type.Literal('holdfast'),
    kind: Type.Literal('sealed'),
    compression: Type.Literal('none'),
    encryption: Type.Object({
      suite: Type.Literal(SUITE),
      key: Type.String({ pattern: '^[0-9a-f]{16}$' }),
      salt: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }),
    }),
    features: Type.Tuple([Type.Literal(ENCRYPTION_FEATURE)]),
    repositoryId: UuidSchema,
    object: Type.String(),
  }),
)

/** A new salt each time, so that no two bodies are ever sealed under one key. */
export function encodeSealedPrefix(keyId: string, repositoryId: string, object: string): SealedPrefix & { readonly bytes: Uint8Array } {
  const salt = randomBytes(SALT_BYTES)
  const bytes = encodePrefix(headerOf(keyId, salt.toString('base64'), repositoryId, object))
  return { keyId, salt, bytes, bodyOffset: bytes.byteLength, additional: additionalOf(prefixJson(bytes, object).json) }
}

export function decodeSealedPrefix(bytes: Uint8Array, repositoryId: string, object: string, label: string): SealedPrefix {
  const { json, bodyOffset } = prefixJson(bytes, label)
  const value = parseJson(json, label) as Partial<Record<keyof SealedHeader, unknown>> | null
  if (typeof value === 'object' && value !== null) {
    if (typeof value.format === 'number' && value.format > 1) throw tooNew(label, `archive format ${value.format}; this Holdfast reads format 1`)
    requireKnownFeatures(value.features, label)
    if (value.encryption === null) throw corrupt(label, 'is not encrypted, and stands where everything is')
    const { suite } = (value.encryption ?? {}) as { readonly suite?: unknown }
    if (typeof suite === 'string' && suite !== SUITE) throw tooNew(label, `is encrypted by ${JSON.stringify(suite.slice(0, 40))}`)
  }
  const header = check(value, label)
  if (header.repositoryId !== repositoryId) throw corrupt(label, `belongs to repository ${header.repositoryId}, not to ${repositoryId}`)
  if (header.object !== object) throw corrupt(label, `was stored as ${header.object}`)
  return { keyId: header.encryption.key, salt: Buffer.from(header.encryption.salt, 'base64'), bodyOffset, additional: additionalOf(json) }
}

/** Bytes of the prefix of an object of that name, which is the same for all keys and salts. */
export function sealedPrefixBytes(repositoryId: string, object: string): number {
  return encodePrefix(headerOf('0'.repeat(16), Buffer.alloc(SALT_BYTES).toString('base64'), repositoryId, object)).byteLength
}

/** What an object takes that has so many bytes unencrypted. */
export function sealedObjectBytes(repositoryId: string, object: string, bytes: number): number {
  return sealedPrefixBytes(repositoryId, object) + sealedLength(bytes)
}

function headerOf(key: string, salt: string, repositoryId: string, object: string): SealedHeader {
  return {
    format: 1,
    magic: 'holdfast',
    kind: 'sealed',
    compression: 'none',
    encryption: { suite: SUITE, key, salt },
    features: [ENCRYPTION_FEATURE],
    repositoryId,
    object,
  }
}

function additionalOf(header: Uint8Array): Buffer {
  return hash('sha256', header, 'buffer')
}
