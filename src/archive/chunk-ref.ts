import type { KeyText } from '../contracts/key-range.ts'
import type { ReferenceBounds } from './reference-bounds.ts'

export type ChunkKind = 'base' | 'delta'

/** What manifest and journal keep of a stored chunk: enough to find it and to prove every byte of it. */
export interface ChunkRef {
  /** Object name without folder and extension: the SHA-256 of the plain lines, or `<sha256>.<n>`; in an encrypted repository a keyed hash in place of it. */
  readonly name: string
  readonly kind: ChunkKind
  /** SHA-256 (hex) of the plain lines. */
  readonly sha256: string
  /** Lines: the records of a base; of a delta upserts, deletes and anchors together. */
  readonly rows: number
  readonly plainBytes: number
  /** Bytes and SHA-256 (hex) of the whole stored object; of one that is encrypted, of what is sealed in it. */
  readonly storedBytes: number
  readonly storedSha256: string
  readonly index: { readonly storedBytes: number; readonly storedSha256: string }
  /** Lines of a delta that delete a key, and lines that are anchors: upserts = rows − deletes − anchors. Absent for base chunks. */
  readonly deletes?: number
  readonly anchors?: number
  /** Of reference fields: between which values those of the chunk lie. A field that is not here may hold anything, as it does in chunks that an older Holdfast stored. */
  readonly references?: readonly ReferenceBounds[]
  /** Id of the key that sealed chunk and index, of two keys the older one; absent where nothing is encrypted, or where it was not noted. */
  readonly key?: string
}

/** A chunk that is in the storage, with what its range needs to know. */
export interface StoredChunk {
  readonly ref: ChunkRef
  readonly firstKey: KeyText
  readonly lastKey: KeyText
  /** False when an equal chunk was there already and was found sound. */
  readonly written: boolean
}

/** Is this the object name of a chunk with that id, which is the SHA-256 of its plain lines or the keyed hash? */
export function isChunkName(name: string, id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id) && (name === id || (name.startsWith(`${id}.`) && /^[1-9][0-9]{0,3}$/.test(name.slice(id.length + 1))))
}
