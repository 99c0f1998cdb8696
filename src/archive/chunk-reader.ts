import { createHash } from 'node:crypto'
import { throwIfAborted } from '../kernel/abort.ts'
import { mapOrdered } from '../kernel/map-ordered.ts'
import { corrupt } from './archive-error.ts'
import type { ChunkKind, ChunkRef } from './chunk-ref.ts'
import { decompressFrame } from './frame-decompressor.ts'
import { decodeFrameTable, frameTableBytes, type FrameSize } from './frame-table.ts'
import { countNewlines, decodeKeyIndex, type KeyIndex } from './key-index.ts'
import { LIMITS } from './limits.ts'
import { decodePrefix, type ObjectHeader } from './object-container.ts'
import { sha256 } from './sha256.ts'

/** A chunk object taken apart, its prefix and frame table proved; its frames are not read yet. */
export interface OpenedChunk {
  readonly object: string
  readonly header: ObjectHeader & { readonly kind: ChunkKind; readonly rows: number }
  readonly frames: readonly (FrameSize & { readonly body: Uint8Array })[]
}

/** Frames decompressed ahead of the consumer. */
const AHEAD = 3
const NEWLINE = 0x0a

export function openChunk(bytes: Uint8Array, kind: ChunkKind, object: string): OpenedChunk {
  const { header, bodyOffset } = decodePrefix(bytes, object, [kind])
  const { rows, frames: count } = header
  if (rows === undefined || count === undefined) throw corrupt(object, 'its header is not that of a chunk')
  const sizes = decodeFrameTable(bytes.subarray(bodyOffset), count, object)
  let at = bodyOffset + frameTableBytes(count)
  const frames = sizes.map((size) => ({ ...size, body: bytes.subarray(at, (at += size.storedBytes)) }))
  if (at !== bytes.byteLength) throw corrupt(object, `${bytes.byteLength} bytes where its frames end at ${at}`)
  const sum = (of: (size: FrameSize) => number) => sizes.reduce((total, size) => total + of(size), 0)
  if (sum((size) => size.plainBytes) !== header.plainBytes || sum((size) => size.rows) !== rows)
    throw corrupt(object, 'its frames do not add up to what its header says')
  return { object, header: { ...header, kind, rows }, frames }
}

/** Is this the chunk that the reference means? Every stored byte is compared by hash. */
export function openReferencedChunk(bytes: Uint8Array, ref: ChunkRef, object: string): OpenedChunk {
  if (bytes.byteLength !== ref.storedBytes) throw corrupt(object, `${bytes.byteLength} bytes where ${ref.storedBytes} were stored`)
  if (sha256(bytes) !== ref.storedSha256) throw corrupt(object, 'its bytes are not those that were stored')
  const chunk = openChunk(bytes, ref.kind, object)
  const { header } = chunk
  if (header.plainSha256 !== ref.sha256 || header.plainBytes !== ref.plainBytes || header.rows !== ref.rows)
    throw corrupt(object, 'is sound, but another chunk than the one referred to')
  return chunk
}

/** The lines, frame by frame; then, after the last, plain hash and row count are held against the header. */
export async function* readOpenedChunk({ object, header, frames }: OpenedChunk, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const digest = createHash('sha256')
  const decompress = (frame: OpenedChunk['frames'][number]) => decompressLines(frame, frame.body, header.compression, object)
  for await (const lines of mapOrdered(frames, AHEAD, decompress)) {
    throwIfAborted(signal)
    digest.update(lines)
    yield lines
  }
  if (digest.digest('hex') !== header.plainSha256) throw corrupt(object, 'its lines are not those that were hashed')
}

/** One frame as whole lines, counted. */
export async function decompressLines(frame: FrameSize, body: Uint8Array, compression: ObjectHeader['compression'], object: string): Promise<Uint8Array> {
  const lines = await decompressFrame(body, compression, frame.plainBytes, object)
  if (lines.byteLength > 0 && lines[lines.byteLength - 1] !== NEWLINE) throw corrupt(object, 'a frame ends inside a line')
  const rows = countNewlines(lines)
  if (rows !== frame.rows) throw corrupt(object, `a frame holds ${rows} lines where ${frame.rows} were declared`)
  return lines
}

/** Reads a key index and proves that it belongs to the stored chunk of that hash. */
export async function openKeyIndex(
  bytes: Uint8Array,
  chunk: Pick<ChunkRef, 'storedSha256' | 'storedBytes' | 'rows' | 'plainBytes' | 'references'>,
  object: string,
): Promise<KeyIndex> {
  const { header, bodyOffset } = decodePrefix(bytes, object, ['index'])
  if (header.chunk !== chunk.storedSha256) throw corrupt(object, 'is the index of another chunk')
  if (header.plainBytes > LIMITS.indexBytes) throw corrupt(object, `declares ${header.plainBytes} bytes`)
  const plain = await decompressFrame(bytes.subarray(bodyOffset), header.compression, header.plainBytes, object)
  if (sha256(plain) !== header.plainSha256) throw corrupt(object, 'its content is not what its header says')
  const index = decodeKeyIndex(plain, header.compression, object)
  const last = index.frames.at(-1)
  const plainBytes = index.frames.reduce((sum, frame) => sum + frame.plainBytes, 0)
  if (!last || last.offset + last.storedBytes !== chunk.storedBytes || index.rows !== chunk.rows || plainBytes !== chunk.plainBytes)
    throw corrupt(object, 'does not fit its chunk')
  for (const bounds of chunk.references ?? []) {
    const own = index.references.find(({ field }) => field === bounds.field)
    if (own && (own.least !== bounds.least || own.greatest !== bounds.greatest))
      throw corrupt(object, `has other values of ${bounds.field} than its chunk declares`)
  }
  return index
}
