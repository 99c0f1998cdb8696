import type { KeyText } from '../contracts/key-range.ts'
import type { RecordBatch } from '../contracts/record-batch.ts'
import { createChunkAssembler, type EncodedChunk } from './chunk-assembler.ts'
import { assertBatch, type ChunkEncoderOptions } from './chunk-codec.ts'
import { anchorText, controlLine, deleteText } from './delta-text.ts'
import { createKeyIndexBuilder } from './key-index-builder.ts'

/**
 * Makes one delta chunk from what changed in a range, given in the order of the merged lines. Use one encoder a chunk. Every key is upserted or deleted once
 * at most. Whether the changes fit the layers below shows when the delta is layered over them (`layerDelta`).
 */
export interface DeltaEncoder {
  /**
   * The records of the rows from `from` up to `to` (all when not given), of which a copy is taken. A record whose key the layers below have takes its place;
   * one whose key they do not have needs an anchor before it, or before the first of a run of such records.
   */
  upsert(batch: RecordBatch, from?: number, to?: number): Promise<void>
  /** The layers below have the key; the merged range does not. */
  delete(key: KeyText): Promise<void>
  /**
   * New records that follow stand right after this key; null: at the start of the range. The key is one of the layers below, or that of the record given
   * last. Written when a record follows; the last of several counts.
   */
  anchor(key: KeyText | null): void
  readonly plainBytes: number
  readonly upserts: number
  readonly deletes: number
  /** Call once, with at least one change (TypeError). */
  finish(): Promise<EncodedChunk>
}

/** The unit of compression, as in a base chunk. */
const FRAME_BYTES = 1024 * 1024

/** Memory: about a frame, and those being compressed, beside the texts of the keys. */
export function createDeltaEncoder({ references, ...options }: ChunkEncoderOptions): DeltaEncoder {
  const assembler = createChunkAssembler({ ...options, kind: 'delta' })
  const keyIndex = createKeyIndexBuilder(references)
  let lines: Uint8Array[] = []
  let bytes = 0
  let rows = 0
  let anchor: string | null = null
  let anchors = 0
  let deletes = 0
  let upserts = 0

  async function add(more: Uint8Array, count: number): Promise<void> {
    lines.push(more)
    bytes += more.byteLength
    rows += count
    if (bytes >= FRAME_BYTES) await flush()
  }

  async function flush(): Promise<void> {
    const frame = Buffer.concat(lines, bytes)
    const count = rows
    lines = []
    bytes = rows = 0
    if (count === 0) return
    keyIndex.endFrame()
    await assembler.append(frame, count)
  }

  async function control(text: string): Promise<void> {
    const line = Buffer.from(controlLine(text))
    keyIndex.addText(text, line.byteLength)
    await add(line, 1)
  }

  return {
    get plainBytes() {
      return assembler.plainBytes + bytes
    },
    get upserts() {
      return upserts
    },
    get deletes() {
      return deletes
    },
    async upsert(batch, from = 0, to = batch.rows) {
      assertBatch(batch, references.length)
      if (from >= to) return
      const start = from === 0 ? 0 : batch.marks[(from - 1) * batch.stride]!
      const copy = Buffer.from(batch.bytes.subarray(start, batch.marks[(to - 1) * batch.stride]))
      if (anchor !== null) {
        const text = anchor
        anchor = null
        anchors++
        // Both begin before anything is awaited, since the batch may be filled anew meanwhile.
        const written = control(text)
        keyIndex.add(batch, from, to)
        await written
      } else keyIndex.add(batch, from, to)
      upserts += to - from
      await add(copy, to - from)
    },
    async delete(key) {
      deletes++
      await control(deleteText(key))
    },
    anchor(key) {
      anchor = anchorText(key)
    },
    async finish() {
      if (upserts + deletes === 0) throw new TypeError('a delta without changes')
      await flush()
      return await assembler.finish(keyIndex.finish(), { deletes, anchors })
    },
  }
}
