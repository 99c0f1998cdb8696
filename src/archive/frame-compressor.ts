import type { TransformOptions } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createZstdCompress, gzip, type ZstdCompress, type ZstdOptions } from 'node:zlib'
import type { Compression } from '../plan/backup-policy.ts'
import { isBomb } from './limits.ts'
import { storedZstdFrame } from './stored-zstd-frame.ts'

const gzipAsync = promisify(gzip)

/** Compresses one piece, in the thread pool, as a frame (zstd) or member (gzip) that can be read without any other. */
export async function compressFrame(bytes: Uint8Array, compression: Compression, level: number): Promise<Uint8Array> {
  if (compression === 'none') return bytes
  if (compression === 'gzip') {
    const member = await gzipAsync(bytes, { level, chunkSize: OUTPUT_BYTES })
    return isBomb(bytes.byteLength, member.byteLength) ? await gzipAsync(bytes, { level: 0, chunkSize: OUTPUT_BYTES }) : member
  }
  const frame = await compressOnLane(bytes, level)
  return isBomb(bytes.byteLength, frame.byteLength) ? storedZstdFrame(bytes) : frame
}

/**
 * A lane is one zstd context that makes frame after frame. Making and clearing a context costs about as much as compressing 100 KiB, so lanes are kept for
 * a moment. `ZSTD_c_nbWorkers` stays unset: with workers Node 24 dies of an uncaught ERR_STREAM_PUSH_AFTER_EOF.
 */
const idle = new Map<number, ZstdCompress[]>()
const OUTPUT_BYTES = 128 * 1024
/** Several frames come out of one buffer, each in one piece, which spares joining them. */
const LANE_OUTPUT_BYTES = 1024 * 1024
const IDLE_MS = 5_000
/** Nothing is held back by the stream: the caller bounds what is in flight, by frames. */
const UNBOUNDED = 2 ** 40
let sweeper: NodeJS.Timeout | undefined

function takeLane(level: number): ZstdCompress {
  const options: ZstdOptions & TransformOptions = {
    chunkSize: LANE_OUTPUT_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level },
    readableHighWaterMark: UNBOUNDED,
    writableHighWaterMark: UNBOUNDED,
  }
  return idle.get(level)?.pop() ?? createZstdCompress(options)
}

function giveLane(level: number, lane: ZstdCompress): void {
  const lanes = idle.get(level) ?? []
  idle.set(level, lanes)
  lanes.push(lane)
  if (sweeper) sweeper.refresh()
  else sweeper = setTimeout(closeIdleLanes, IDLE_MS).unref()
}

function closeIdleLanes(): void {
  sweeper = undefined
  for (const lanes of idle.values()) for (const lane of lanes) lane.destroy()
  idle.clear()
}

function compressOnLane(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  const lane = takeLane(level)
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const take = (piece: Buffer) => void pieces.push(piece)
    const fail = (error: Error) => {
      lane.destroy()
      reject(error)
    }
    lane.on('data', take)
    lane.once('error', fail)
    lane.write(bytes)
    lane.flush(constants.ZSTD_e_end, () => {
      lane.removeListener('error', fail)
      lane.removeListener('data', take)
      if (pieces.length === 0) return fail(new Error('zstd returned nothing'))
      giveLane(level, lane)
      resolve(joined(pieces))
    })
  })
}

/** Pieces of one output buffer lie side by side: then they are one already. */
function joined(pieces: readonly Buffer[]): Uint8Array {
  const first = pieces[0]!
  let end = first.byteOffset
  for (const piece of pieces) {
    if (piece.buffer !== first.buffer || piece.byteOffset !== end) return Buffer.concat(pieces)
    end += piece.byteLength
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset)
}
