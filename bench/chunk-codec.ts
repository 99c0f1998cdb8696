import { createHash, hash, randomUUID, webcrypto } from 'node:crypto'
import { cpus } from 'node:os'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { openChunk, readOpenedChunk } from '../src/archive/chunk-reader.ts'
import { compressFrame } from '../src/archive/frame-compressor.ts'
import { createChunkEncoder, type EncodedChunk } from '../src/archive/index.ts'
import type { RecordBatch } from '../src/contracts/record-batch.ts'
import { mapOrdered } from '../src/kernel/map-ordered.ts'

// The chunk codec alone: `node bench/chunk-codec.ts [MiB] [rounds]`. Lanes take turns within a round, so that other work on the machine falls on all of
// them; medians. CPU is that of the process, thread pool included; `main` is the share of the thread that also runs the application.

const MIB = Number(process.argv[2] ?? 256)
const ROUNDS = Number(process.argv[3] ?? 5)
const BATCH_BYTES = 1024 * 1024
const CHUNK_BATCHES = 8
const LEVEL = 3
const IN_FLIGHT = 3
const oneShot = promisify(zstdCompress)

/** Order lines of about 500 bytes, with the marks of key and one reference. */
function makeBatches(): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let id = 1; batches.length < MIB;) {
    const lines: string[] = []
    const marks: number[] = []
    let end = 0
    while (end < BATCH_BYTES - 600) {
      const key = `{"id":"${id}"`
      const beforeReference = `${key},"publicId":"${randomUUID()}","customer.id":"`
      const reference = `${beforeReference}${1 + ((id * 7919) % 20_000)}"`
      const line = `${reference},"status":"paid","total":"${((id * 104_729) % 1e7) / 100}","externalRef":"${9_007_199_254_740_993n + BigInt(id) * 1_000_003n}","weight":${Math.sqrt(id) * 0.1},"gift":${id % 3 === 0},"placedAt":"2024-01-01T00:${String(id % 60).padStart(2, '0')}:00.00${id % 1000}+00","due":"2024-0${1 + (id % 9)}-01","note":"Order ${id} placed by \\"web\\" for ${hash('md5', String(id))}","details":[{"tags": ["a", "b"], "lines": ${id % 9}, "ratio": ${(id % 100) * 0.25}, "channel": "web"}],"quantities":[${id % 100},${id % 1000},${id % 10_000}],"fingerprint":"${hash('md5', `x${id}`, 'base64')}","version":${1 + (id % 5)},"updatedAt":null}\n`
      marks.push(end + line.length, end + key.length, end + beforeReference.length - 1, end + reference.length)
      lines.push(line)
      end += line.length
      id++
    }
    batches.push({ bytes: Buffer.from(lines.join(''), 'latin1'), rows: lines.length, marks: Uint32Array.from(marks), stride: 4 })
  }
  return batches
}

const batches = makeBatches()
const plainBytes = batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
const withoutReferences = batches.map((batch): RecordBatch => ({ ...batch, stride: 2, marks: batch.marks.filter((_, i) => i % 4 < 2) }))
let encoded: readonly EncodedChunk[] = []

async function rawFrames(compress: (bytes: Uint8Array) => Promise<Uint8Array>): Promise<number> {
  let stored = 0
  let digest = createHash('sha256')
  let count = 0
  const frames = mapOrdered(batches, IN_FLIGHT, async ({ bytes }) => {
    const frame = compress(bytes)
    digest.update(bytes)
    if (++count % CHUNK_BATCHES === 0) {
      digest.digest('hex')
      digest = createHash('sha256')
    }
    return await frame
  })
  for await (const frame of frames) stored += frame.byteLength
  return stored
}

async function encode(source: readonly RecordBatch[], references: readonly string[]): Promise<number> {
  const chunks: EncodedChunk[] = []
  for (let at = 0; at < source.length; at += CHUNK_BATCHES) {
    const encoder = createChunkEncoder({ compression: 'zstd', level: LEVEL, concurrency: IN_FLIGHT, references })
    for (const batch of source.slice(at, at + CHUNK_BATCHES)) await encoder.append(batch)
    chunks.push(await encoder.finish())
  }
  encoded = chunks
  return chunks.reduce((sum, chunk) => sum + chunk.storedBytes + chunk.indexBytes, 0)
}

/** Two chunks at once, as a plan with `concurrency: 2` does: one hashes while the other waits for its last frame. */
async function encodeSideBySide(): Promise<number> {
  const half = Math.ceil(batches.length / 2 / CHUNK_BATCHES) * CHUNK_BATCHES
  const sizes = await Promise.all([encode(batches.slice(0, half), ['customer.id']), encode(batches.slice(half), ['customer.id'])])
  return sizes[0] + sizes[1]
}

async function read(): Promise<number> {
  let total = 0
  for (const chunk of encoded) for await (const lines of readOpenedChunk(openChunk(Buffer.concat(chunk.object), 'base', 'it'))) total += lines.byteLength
  return total
}

const lanes: Record<string, () => Promise<number>> = {
  'sha256, as lines come': async () => {
    for (let at = 0; at < batches.length; at += CHUNK_BATCHES) {
      const digest = createHash('sha256')
      for (const { bytes } of batches.slice(at, at + CHUNK_BATCHES)) digest.update(bytes)
      digest.digest('hex')
    }
    return 0
  },
  'sha256, in the pool (chunk joined first)': async () => {
    for (let at = 0; at < batches.length; at += CHUNK_BATCHES)
      await webcrypto.subtle.digest('SHA-256', Buffer.concat(batches.slice(at, at + CHUNK_BATCHES).map(({ bytes }) => bytes)))
    return 0
  },
  'sha256 + zstd-3 frames, one-shot calls': () =>
    rawFrames((bytes) => oneShot(bytes, { chunkSize: 512 * 1024, pledgedSrcSize: bytes.byteLength, params: { [constants.ZSTD_c_compressionLevel]: LEVEL } })),
  'sha256 + zstd-3 frames, kept contexts': () => rawFrames((bytes) => compressFrame(bytes, 'zstd', LEVEL)),
  'chunk encoder, no references': () => encode(withoutReferences, []),
  'chunk encoder, one reference, two side by side': encodeSideBySide,
  'chunk encoder, one reference': () => encode(batches, ['customer.id']),
  'chunk reader': read,
}

interface Sample {
  readonly wall: number
  readonly cpu: number
  readonly main: number
  readonly stored: number
}

const samples = new Map<string, Sample[]>()
const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(lanes)) {
    const [started, cpu, main] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()]
    const stored = await run()
    const sample = { wall: (performance.now() - started) / 1000, cpu: seconds(process.cpuUsage(cpu)), main: seconds(process.threadCpuUsage(main)), stored }
    if (round > 0) samples.set(name, [...(samples.get(name) ?? []), sample]) // the first round warms up
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!
const megabytes = plainBytes / 1e6
console.log(`${megabytes.toFixed(0)} MB, ${rows} lines; medians of ${ROUNDS}; ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n`)
console.log(`${'lane'.padEnd(48)}${'MB/s'.padStart(8)}${'CPU ms/MB'.padStart(12)}${'main ms/MB'.padStart(12)}${'stored'.padStart(9)}`)
for (const [name, all] of samples) {
  const of = (pick: (sample: Sample) => number) => median(all.map(pick))
  const stored = of((sample) => sample.stored)
  const share = stored === 0 || name === 'chunk reader' ? '' : `${((100 * stored) / plainBytes).toFixed(1)} %`
  const figures = [
    (megabytes / of((s) => s.wall)).toFixed(0).padStart(8),
    ((of((s) => s.cpu) * 1000) / megabytes).toFixed(2).padStart(12),
    ((of((s) => s.main) * 1000) / megabytes).toFixed(2).padStart(12),
  ]
  console.log(`${name.padEnd(48)}${figures.join('')}${share.padStart(9)}`)
}
console.log(`\npeak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, of which ${MIB} MiB are the lines`)
