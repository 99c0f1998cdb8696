import { createHash } from 'node:crypto'
import { assertObjectKey, assertObjectPrefix } from '../../src/contracts/object-key.ts'
import type { AdapterCapabilities, ObjectStat, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { freeBytes } from '../../src/kernel/free-bytes.ts'

const CAPABILITIES: AdapterCapabilities = {
  conditionalPut: true,
  multipart: false,
  rangeRead: true,
  checksumOnPut: true,
  strongList: true,
  objectLock: false,
  versioning: false,
  lifecycleTiers: false,
  durable: false,
  shared: false,
  maxObjectBytes: 2 ** 31,
  maxKeyBytes: 1024,
}

export interface MemoryStorageOptions {
  /** Shown in messages. Default `memory`. */
  readonly name?: string
  /** Bytes after which `put` fails with `E_STORAGE_FULL`. Default: none. */
  readonly maxBytes?: number
}

/** Objects in this process's memory, for tests and trials: gone when the process ends, seen by no other. */
export function memoryStorage({ name = 'memory', maxBytes = Number.POSITIVE_INFINITY }: MemoryStorageOptions = {}): StorageAdapter {
  const objects = new Map<string, { readonly bytes: Buffer; readonly modifiedAt: number }>()
  let usedBytes = 0

  const statOf = (key: string, { bytes, modifiedAt }: { readonly bytes: Buffer; readonly modifiedAt: number }): ObjectStat => ({
    key,
    bytes: bytes.byteLength,
    modifiedAt,
  })

  return {
    name,
    capabilities: CAPABILITIES,
    async put(key, body, { ifAbsent, sha256, signal, transfer }) {
      assertObjectKey(key, CAPABILITIES)
      throwIfAborted(signal)
      const bytes = Buffer.concat(body instanceof Uint8Array ? [body] : body)
      if (transfer) for (const piece of body instanceof Uint8Array ? [body] : body) freeBytes(piece)
      if (sha256 !== undefined && createHash('sha256').update(bytes).digest('hex') !== sha256)
        throw new HoldfastError('E_STORAGE', `${name}: the bytes of ${key} do not have the SHA-256 that was announced`, { details: { transient: false } })
      const before = objects.get(key)
      if (before && ifAbsent) throw new HoldfastError('E_STORAGE_EXISTS', `${name}: ${key} exists already`, { details: { key } })
      const after = usedBytes - (before?.bytes.byteLength ?? 0) + bytes.byteLength
      if (after > maxBytes) throw new HoldfastError('E_STORAGE_FULL', `${name}: ${key} does not fit into ${maxBytes} bytes`)
      usedBytes = after
      objects.set(key, { bytes, modifiedAt: Date.now() })
    },
    async get(key, { range, signal } = {}) {
      assertObjectKey(key, CAPABILITIES)
      throwIfAborted(signal)
      const object = objects.get(key)
      if (!object) throw new HoldfastError('E_ARCHIVE_MISSING', `${key} is not in ${name}`, { details: { key } })
      return Buffer.from(range ? object.bytes.subarray(range.start, range.end) : object.bytes) // a copy: what the caller does to it stays with the caller
    },
    async stat(key, { signal } = {}) {
      assertObjectKey(key, CAPABILITIES)
      throwIfAborted(signal)
      const object = objects.get(key)
      return object ? statOf(key, object) : null
    },
    async *list(prefix, { signal } = {}) {
      assertObjectPrefix(prefix, CAPABILITIES)
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort()
      for (const key of keys) {
        throwIfAborted(signal)
        const object = objects.get(key)
        if (object) yield statOf(key, object)
      }
    },
    async delete(keys, { signal } = {}) {
      for (const key of keys) assertObjectKey(key, CAPABILITIES)
      throwIfAborted(signal)
      for (const key of keys) {
        usedBytes -= objects.get(key)?.bytes.byteLength ?? 0
        objects.delete(key)
      }
    },
    async quota() {
      return { usedBytes, freeBytes: Number.isFinite(maxBytes) ? maxBytes - usedBytes : Number.MAX_SAFE_INTEGER }
    },
    async close() {},
  }
}
