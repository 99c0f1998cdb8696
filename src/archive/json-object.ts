import type { AbortableOptions } from '../kernel/abort.ts'
import { CanonicalJson, canonicalJson } from '../kernel/canonical-json.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { corrupt } from './archive-error.ts'
import { compressFrame } from './frame-compressor.ts'
import { decompressFrame } from './frame-decompressor.ts'
import { isSound } from './is-sound.ts'
import { jsonDepth } from './json-depth.ts'
import { isBomb, LIMITS } from './limits.ts'
import { decodePrefix, encodePrefix, type ObjectKind, parseJson } from './object-container.ts'
import type { ObjectSpace } from './object-space.ts'
import { sha256, totalBytes } from './sha256.ts'

/** Small enough for the plain form to be as good, and then readable with a pager. */
const COMPRESS_FROM_BYTES = 512
const LEVEL = 3

/** A JSON value in its container, bound to repository and name. Equal values give equal plain bytes. */
export interface JsonObject {
  readonly pieces: readonly Uint8Array[]
  readonly storedBytes: number
  readonly storedSha256: string
  readonly plainSha256: string
}

export async function encodeJsonObject(space: Pick<ObjectSpace, 'repositoryId'>, object: string, kind: ObjectKind, value: unknown): Promise<JsonObject> {
  const plain = value instanceof CanonicalJson ? value.bytes : Buffer.from(canonicalJson(value))
  if (plain.byteLength > LIMITS.jsonBytes) {
    throw new HoldfastError('E_CONFIG', `${object} would be ${plain.byteLength} bytes of JSON; at most ${LIMITS.jsonBytes} can be stored`, {
      hint: 'Split the plan, or store fewer details.',
      details: { object, bytes: plain.byteLength },
    })
  }
  if (jsonDepth(plain) > LIMITS.jsonDepth)
    throw new HoldfastError('E_CONFIG', `${object} would be JSON of more than ${LIMITS.jsonDepth} levels`, { details: { object } })
  const compressed = plain.byteLength < COMPRESS_FROM_BYTES ? plain : await compressFrame(plain, 'zstd', LEVEL)
  const body = compressed.byteLength < plain.byteLength && !isBomb(plain.byteLength, compressed.byteLength) ? compressed : plain
  const plainSha256 = sha256(plain)
  const prefix = encodePrefix({
    format: 1,
    magic: 'holdfast',
    kind,
    compression: body === plain ? 'none' : 'zstd',
    encryption: null,
    features: [],
    plainBytes: plain.byteLength,
    plainSha256,
    bodySha256: sha256(body),
    repositoryId: space.repositoryId,
    object,
  })
  const pieces = [prefix, body]
  return { pieces, storedBytes: totalBytes(pieces), storedSha256: sha256(pieces), plainSha256 }
}

/** Proves every byte of the object and that it is the one asked for; the value still has to be checked against its schema. */
export async function decodeJsonObject(
  space: Pick<ObjectSpace, 'repositoryId' | 'label'>,
  object: string,
  kind: ObjectKind,
  bytes: Uint8Array,
): Promise<{ value: unknown; plainSha256: string }> {
  const { plain, plainSha256 } = await decodeJsonText(space, object, kind, bytes)
  return { value: parseJson(plain, space.label(object)), plainSha256 }
}

/** The same, as text. */
async function decodeJsonText(
  space: Pick<ObjectSpace, 'repositoryId' | 'label'>,
  object: string,
  kind: ObjectKind,
  bytes: Uint8Array,
): Promise<{ plain: Uint8Array; plainSha256: string }> {
  const label = space.label(object)
  const { header, bodyOffset } = decodePrefix(bytes, label, [kind])
  const body = bytes.subarray(bodyOffset)
  if (sha256(body) !== header.bodySha256) throw corrupt(label, 'its body was altered or cut off')
  if (header.repositoryId !== space.repositoryId) throw corrupt(label, `belongs to repository ${String(header.repositoryId)}, not to ${space.repositoryId}`)
  if (header.object !== object) throw corrupt(label, `was stored as ${String(header.object)}`)
  if (header.plainBytes > LIMITS.jsonBytes) throw corrupt(label, `declares ${header.plainBytes} bytes`)
  const plain = await decompressFrame(body, header.compression, header.plainBytes, label)
  if (sha256(plain) !== header.plainSha256) throw corrupt(label, 'its content is not what its header says')
  return { plain, plainSha256: header.plainSha256 }
}

/** Create-only. `E_STORAGE_EXISTS` when something else stands under the name; an equal value there is success. */
export async function putJsonObject(
  space: ObjectSpace,
  object: string,
  kind: ObjectKind,
  value: unknown,
  options: AbortableOptions = {},
): Promise<JsonObject & { outcome: 'written' | 'same' }> {
  const encoded = await encodeJsonObject(space, object, kind, value)
  const same = async (existing: Uint8Array) => (await decodeJsonObject(space, object, kind, existing)).plainSha256 === encoded.plainSha256
  const outcome = await space.putNew(object, encoded.pieces, encoded.storedSha256, { ...options, same, limit: storedLimit() })
  return { ...encoded, outcome }
}

/** The value under the name. `expect`: size and hash that another object vouches for. */
export async function getJsonObject(
  space: ObjectSpace,
  object: string,
  kind: ObjectKind,
  options: AbortableOptions & { readonly expect?: { readonly storedBytes: number; readonly storedSha256: string } } = {},
): Promise<unknown> {
  const { expect, signal } = options
  const accept = (bytes: Uint8Array) => (expect ? sha256(bytes) === expect.storedSha256 : isSound(() => decodeJsonObject(space, object, kind, bytes)))
  const bytes = await space.get(object, { signal, limit: storedLimit(), accept })
  if (expect && (bytes.byteLength !== expect.storedBytes || sha256(bytes) !== expect.storedSha256))
    throw corrupt(space.label(object), 'is not the object that was stored')
  return (await decodeJsonObject(space, object, kind, bytes)).value
}

/** The text of the value, proved and no deeper than it may be, for those who take it apart piece by piece. */
export async function getJsonText(space: ObjectSpace, object: string, kind: ObjectKind, { signal }: AbortableOptions = {}): Promise<Uint8Array> {
  const accept = (bytes: Uint8Array) => isSound(() => decodeJsonText(space, object, kind, bytes))
  const { plain } = await decodeJsonText(space, object, kind, await space.get(object, { signal, limit: storedLimit(), accept }))
  if (jsonDepth(plain) > LIMITS.jsonDepth) throw corrupt(space.label(object), `is nested deeper than ${LIMITS.jsonDepth} levels`)
  return plain
}

/** No body is larger than its plain form: `encodeJsonObject` sees to that. */
function storedLimit(): number {
  return LIMITS.jsonBytes + LIMITS.headerBytes + 40
}
