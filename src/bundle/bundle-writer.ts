import { createHash } from 'node:crypto'
import { corrupt, missing } from '../archive/index.ts'
import { assertObjectKey } from '../contracts/object-key.ts'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { BUNDLE_CAPABILITIES } from './bundle-capabilities.ts'
import { type BundleEntry, encodeEnd, encodeEntryHead, encodeHead } from './bundle-format.ts'
import type { ByteSink } from '../files/index.ts'

export interface BundleWriter {
  /** What is put goes straight into the bundle. Chunks cannot be read back. */
  readonly storage: StorageAdapter
  /** Writes directory and tail. Nothing may be put afterwards. */
  finish(): Promise<WrittenBundle>
}

export interface WrittenBundle {
  readonly entries: number
  /** Of the whole bundle. */
  readonly bytes: number
  readonly sha256: string
}

const CHUNK = /\.hf[cx]$/

/** A storage whose objects are written one behind the other. Small objects are kept in memory, since who writes them reads them back; chunks are not. */
export function createBundleWriter(sink: ByteSink): BundleWriter {
  const { name } = sink
  const entries = new Map<string, BundleEntry>()
  const taken = new Set<string>()
  const kept = new Map<string, Buffer>()
  const digest = createHash('sha256')
  const madeAt = Date.now()
  let offset = 0
  let tail = append([encodeHead()])
  tail.catch(() => {}) // reported by what waits for it

  async function append(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      digest.update(piece)
      offset += piece.byteLength
      await sink.write(piece)
    }
  }

  /** One after the other; after a failure nothing more, since nobody knows how much of it was written. */
  function enqueue(work: () => Promise<void>): Promise<void> {
    tail = tail.then(work)
    tail.catch(() => {})
    return tail
  }

  const storage: StorageAdapter = {
    name,
    capabilities: BUNDLE_CAPABILITIES,
    async put(key, body, { sha256: announced, signal }) {
      const pieces = body instanceof Uint8Array ? [body] : body
      assertObjectKey(key, BUNDLE_CAPABILITIES)
      throwIfAborted(signal)
      if (taken.has(key)) throw new HoldfastError('E_STORAGE_EXISTS', `${key} is in ${name} already`, { details: { key } })
      taken.add(key)
      await enqueue(async () => {
        const hash = createHash('sha256')
        let bytes = 0
        for (const piece of pieces) {
          hash.update(piece)
          bytes += piece.byteLength
        }
        const sha256 = hash.digest('hex')
        if (announced !== undefined && announced !== sha256)
          throw new HoldfastError('E_STORAGE', `${name}: the bytes of ${key} do not have the SHA-256 that was announced`, { details: { transient: false } })
        const head = encodeEntryHead(key, bytes, sha256)
        const entry = { name: key, offset: offset + head.byteLength, bytes, sha256 }
        await append([head, ...pieces])
        entries.set(key, entry)
        if (!CHUNK.test(key)) kept.set(key, Buffer.concat(pieces))
      })
    },
    async get(key, { range } = {}) {
      if (!entries.has(key)) throw missing(`${key} (${name})`)
      const bytes = kept.get(key)
      // A name of a chunk that is asked for is taken by other bytes then; the writer takes the next name.
      if (!bytes) throw corrupt(`${key} (${name})`, 'cannot be read back while the bundle is being written')
      return Buffer.from(range ? bytes.subarray(range.start, range.end) : bytes)
    },
    async stat(key) {
      const entry = entries.get(key)
      return entry ? { key, bytes: entry.bytes, modifiedAt: madeAt } : null
    },
    async *list(prefix) {
      const listed = [...entries.values()].filter((entry) => entry.name.startsWith(prefix)).sort((a, b) => (a.name < b.name ? -1 : 1))
      for (const { name: key, bytes } of listed) yield { key, bytes, modifiedAt: madeAt }
    },
    async delete(keys) {
      if (keys.length > 0) throw new HoldfastError('E_PERMISSION', `${name}: nothing is deleted from a bundle`)
    },
    async close() {},
  }

  return {
    storage,
    async finish() {
      await enqueue(() => append([encodeEnd([...entries.values()], offset)]))
      return { entries: entries.size, bytes: offset, sha256: digest.digest('hex') }
    },
  }
}
