import { corrupt, missing, sha256 } from '../archive/index.ts'
import type { StorageAdapter } from '../contracts/storage-adapter.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { BUNDLE_CAPABILITIES } from './bundle-capabilities.ts'
import { type BundleEntry, decodeDirectory, decodeHead, decodeTail, encodeEntryHead, HEAD_BYTES, TAIL_BYTES } from './bundle-format.ts'
import type { ByteSource } from './byte-source.ts'

/** A bundle as a storage that is read only. */
export interface BundleReader {
  /** `close` closes the source. */
  readonly storage: StorageAdapter
  readonly bytes: number
  readonly entries: ReadonlyMap<string, BundleEntry>
}

/**
 * Opens a bundle: head, tail and directory are proved. Each object is proved, with what stands before it, when it is read as a whole.
 *
 * @throws `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT`, and what the source throws
 */
export async function openBundleSource(source: ByteSource, { signal }: AbortableOptions): Promise<BundleReader> {
  const { name, bytes } = source
  decodeHead(await source.read(0, Math.min(HEAD_BYTES, bytes), { signal }), name)
  const tailBytes = Math.min(TAIL_BYTES, bytes - HEAD_BYTES)
  const tail = decodeTail(await source.read(bytes - tailBytes, tailBytes, { signal }), bytes, name)
  const entries = decodeDirectory(await source.read(tail.directoryOffset, tail.directoryBytes, { signal }), tail, name)
  return { storage: createStorage(source, entries), bytes, entries }
}

function createStorage(source: ByteSource, entries: ReadonlyMap<string, BundleEntry>): StorageAdapter {
  const { name, modifiedAt } = source
  const names = [...entries.keys()].sort()
  const readOnly = () => new HoldfastError('E_PERMISSION', `${name}: a bundle is never changed`)

  async function whole({ name: key, offset, bytes, sha256: digest }: BundleEntry, options: AbortableOptions): Promise<Buffer> {
    const head = encodeEntryHead(key, bytes, digest)
    const entry = await source.read(offset - head.byteLength, head.byteLength + bytes, options)
    const body = entry.subarray(head.byteLength)
    if (!entry.subarray(0, head.byteLength).equals(head)) throw corrupt(`${key} (${name})`, 'its head is not that of the directory')
    if (sha256(body) !== digest) throw corrupt(`${key} (${name})`, 'its bytes are not those that were stored')
    return body
  }

  return {
    name,
    capabilities: BUNDLE_CAPABILITIES,
    async put() {
      throw readOnly()
    },
    async get(key, { range, signal } = {}) {
      const entry = entries.get(key)
      if (!entry) throw missing(`${key} (${name})`, 'The bundle is not whole: export it again.')
      const start = Math.min(range?.start ?? 0, entry.bytes)
      const end = Math.max(start, Math.min(range?.end ?? entry.bytes, entry.bytes))
      return start === 0 && end === entry.bytes ? whole(entry, { signal }) : source.read(entry.offset + start, end - start, { signal })
    },
    async stat(key) {
      const entry = entries.get(key)
      return entry ? { key, bytes: entry.bytes, modifiedAt } : null
    },
    async *list(prefix, { signal } = {}) {
      for (const key of names) {
        if (!key.startsWith(prefix)) continue
        throwIfAborted(signal)
        yield { key, bytes: entries.get(key)!.bytes, modifiedAt }
      }
    },
    async delete(keys) {
      if (keys.length > 0) throw readOnly()
    },
    close: () => source.close(),
  }
}
