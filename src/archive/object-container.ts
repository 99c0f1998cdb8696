import { hash, timingSafeEqual } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { Compression } from '../plan/backup-policy.ts'
import { corrupt, tooNew } from './archive-error.ts'
import { jsonDepth } from './json-depth.ts'
import { LIMITS } from './limits.ts'
import type { SealedHeader } from './sealed-container.ts'

/**
 * The container of every object: a prefix that says what the body is, then the body.
 *
 * ```
 * u32 LE  0x184D2A5E       a zstd skippable frame, so that `zstd -dc` passes over it
 * u32 LE  n + 32
 * n bytes header           canonical JSON, at most 4096 bytes
 * 32 bytes SHA-256 of the header
 * …       body
 * ```
 */
const MAGIC = 0x184d2a5e
const FIXED_BYTES = 8
const HASH_BYTES = 32

/** Delta chunks, and manifests that name them. */
export const DELTA_FEATURE = 'delta'

/** Encrypted repositories, and manifests that name chunks of one. */
export const ENCRYPTION_FEATURE = 'encryption'

/** A reader refuses an object that requires a feature that is not listed here. */
export const KNOWN_FEATURES: ReadonlySet<string> = new Set([DELTA_FEATURE, ENCRYPTION_FEATURE])

export type ObjectKind =
  | 'base'
  | 'delta'
  | 'index'
  | 'manifest'
  | 'entity-page'
  | 'session'
  | 'erasure'
  | 'attempt'
  | 'journal'
  | 'tombstone'
  | 'prune-run'
  | 'condemned'
  | 'swept'
  | 'pin'
  | 'hold'
  | 'audit'
  | 'referrer'
  | 'restore'
  | 'diagnostics'
  | 'key'
  | 'scope'

export interface ObjectHeader {
  readonly format: 1
  readonly magic: 'holdfast'
  readonly kind: ObjectKind
  readonly compression: Compression
  /** Of what is inside of a sealed object, and of all objects of plain repositories. */
  readonly encryption: null
  /** What a reader must understand to read the body. */
  readonly features: readonly string[]
  readonly plainBytes: number
  /** SHA-256 (hex) of the plain body. */
  readonly plainSha256: string
  /** Chunks and indexes: records. */
  readonly rows?: number
  /** Chunks: entries of the frame table. */
  readonly frames?: number
  /** Indexes: SHA-256 (hex) of the whole chunk object they belong to. */
  readonly chunk?: string
  /** Small objects: SHA-256 (hex) of the stored body, the repository, and the name below its prefix, so that none can stand in for another. */
  readonly bodySha256?: string
  readonly repositoryId?: string
  readonly object?: string
}

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

const HeaderSchema = Type.Object({
  format: Type.Literal(1),
  magic: Type.Literal('holdfast'),
  kind: Type.String(),
  compression: Type.String(),
  encryption: Type.Null(),
  features: Type.Array(Type.String()),
  plainBytes: Count,
  plainSha256: Sha256,
  rows: Type.Optional(Count),
  frames: Type.Optional(Count),
  chunk: Type.Optional(Sha256),
  bodySha256: Type.Optional(Sha256),
  repositoryId: Type.Optional(Type.String()),
  object: Type.Optional(Type.String()),
})
const headerCheck = Compile(HeaderSchema)

export function encodePrefix(header: ObjectHeader | SealedHeader): Uint8Array {
  const json = Buffer.from(canonicalJson(header))
  if (json.byteLength > LIMITS.headerBytes) throw new RangeError(`object header of ${json.byteLength} bytes`)
  const prefix = Buffer.allocUnsafe(FIXED_BYTES + json.byteLength + HASH_BYTES)
  prefix.writeUInt32LE(MAGIC, 0)
  prefix.writeUInt32LE(json.byteLength + HASH_BYTES, 4)
  json.copy(prefix, FIXED_BYTES)
  hash('sha256', json, 'buffer').copy(prefix, FIXED_BYTES + json.byteLength)
  return prefix
}

/** Reads and proves the prefix of an object; `object` names it in errors. */
export function decodePrefix(bytes: Uint8Array, object: string, kinds: readonly ObjectKind[]): { readonly header: ObjectHeader; readonly bodyOffset: number } {
  const { json, bodyOffset } = prefixJson(bytes, object)
  return { header: parseHeader(json, object, kinds), bodyOffset }
}

/** The header of an object as its bytes, proved to be whole, and where the body begins. */
export function prefixJson(bytes: Uint8Array, object: string): { readonly json: Buffer; readonly bodyOffset: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.byteLength < FIXED_BYTES) throw corrupt(object, `only ${buffer.byteLength} bytes long`)
  if (buffer.readUInt32LE(0) !== MAGIC) throw corrupt(object, 'does not begin like an object of Holdfast')
  const length = buffer.readUInt32LE(4)
  if (length <= HASH_BYTES || length > LIMITS.headerBytes + HASH_BYTES) throw corrupt(object, `declares a header of ${length} bytes`)
  const bodyOffset = FIXED_BYTES + length
  if (buffer.byteLength < bodyOffset) throw corrupt(object, 'ends inside its header')
  const json = buffer.subarray(FIXED_BYTES, bodyOffset - HASH_BYTES)
  if (!timingSafeEqual(hash('sha256', json, 'buffer'), buffer.subarray(bodyOffset - HASH_BYTES, bodyOffset))) throw corrupt(object, 'its header was altered')
  return { json, bodyOffset }
}

function parseHeader(json: Uint8Array, object: string, kinds: readonly ObjectKind[]): ObjectHeader {
  const value = parseJson(json, object) as Partial<Record<keyof ObjectHeader, unknown>> | null
  if (typeof value !== 'object' || value === null || value.magic !== 'holdfast') throw corrupt(object, 'its header is not one of Holdfast')
  if (typeof value.format !== 'number' || !Number.isSafeInteger(value.format) || value.format < 1) throw corrupt(object, 'its header names no format')
  // Beyond this line the header may be that of a later version: say so before finding fault with what it holds.
  if (value.format > 1) throw tooNew(object, `archive format ${value.format}; this Holdfast reads format 1`)
  requireKnownFeatures(value.features, object)
  if (value.encryption !== null && value.kind === 'sealed') throw corrupt(object, 'is encrypted, and stands where nothing is')
  if (value.encryption !== null) throw tooNew(object, 'is encrypted in a way that this Holdfast does not know')
  if (!headerCheck.Check(value)) throw corrupt(object, 'its header is not complete')
  const header: Static<typeof HeaderSchema> = value
  if (!isCompression(header.compression)) throw tooNew(object, `unknown compression ${JSON.stringify(header.compression.slice(0, 40))}`)
  const kind = kinds.find((one) => one === header.kind)
  if (!kind) throw corrupt(object, `is of kind ${JSON.stringify(header.kind.slice(0, 40))}, expected ${kinds.join(' or ')}`)
  return { ...header, kind, compression: header.compression }
}

/** Refuses, with `E_ARCHIVE_FORMAT`, features that this version does not know. */
export function requireKnownFeatures(features: unknown, object: string): void {
  if (!Array.isArray(features)) throw corrupt(object, 'does not list the features it needs')
  const unknown = features.filter((feature) => !KNOWN_FEATURES.has(feature))
  if (unknown.length > 0) throw tooNew(object, `needs ${unknown.map((feature) => JSON.stringify(String(feature).slice(0, 40))).join(', ')}`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** JSON of an archive object; anything that is not well-formed UTF-8 and JSON, or nested beyond the limit, is `E_ARCHIVE_CORRUPT`. */
export function parseJson(bytes: Uint8Array, object: string): unknown {
  if (jsonDepth(bytes) > LIMITS.jsonDepth) throw corrupt(object, `is nested deeper than ${LIMITS.jsonDepth} levels`)
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (error) {
    throw corrupt(object, 'is not valid JSON', error)
  }
}

function isCompression(name: string): name is Compression {
  return name === 'zstd' || name === 'gzip' || name === 'none'
}
