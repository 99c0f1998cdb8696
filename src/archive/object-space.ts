import type { ObjectStat, StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import { isHoldfastError } from '../kernel/errors.ts'
import { corrupt } from './archive-error.ts'
import { sha256 } from './sha256.ts'

export interface PutNewOptions extends AbortableOptions {
  /** Is what stands under the name already what should? Decides when the name is taken, or when it is not known whether the put had its effect. */
  readonly same: (existing: Uint8Array) => Promise<boolean>
  /** Most bytes that `existing` may have. */
  readonly limit: number
  /** The body is of no use to the caller any more: see `PutOptions`. */
  readonly transfer?: boolean
}

export interface AcceptOptions extends AbortableOptions {
  /** Where the storage holds several copies: are these the bytes that were stored? */
  readonly accept?: ((bytes: Uint8Array) => boolean | Promise<boolean>) | undefined
}

/** The objects below one prefix of a storage, by their names below that prefix. */
export interface ObjectSpace {
  readonly storage: StorageAdapter
  readonly prefix: string
  readonly repositoryId: string
  /** How errors name an object. */
  label(object: string): string
  /** The whole object, which has at most `limit` bytes, else `E_ARCHIVE_CORRUPT`. */
  get(object: string, options: AcceptOptions & { readonly limit: number }): Promise<Uint8Array>
  getRange(object: string, start: number, end: number, options?: AcceptOptions): Promise<Uint8Array>
  stat(object: string, options?: AbortableOptions): Promise<ObjectStat | null>
  /** `key` of each is the name below the prefix. */
  list(objectPrefix: string, options?: AbortableOptions): AsyncIterable<ObjectStat>
  /** Create-only. `written`, or `same` when an equal object is there; `E_STORAGE_EXISTS` when another is. */
  putNew(object: string, body: readonly Uint8Array[], digest: string, options: PutNewOptions): Promise<'written' | 'same'>
  /** Gives the name of a chunk, from the SHA-256 of its plain lines: that itself, or a keyed hash of it. */
  chunkNamer(options?: AbortableOptions & { readonly create?: boolean }): Promise<(plainSha256: string) => string>
  /** The keys that sealed what is stored; null where it is plain. */
  readonly seals: Seals | null
  /** Absent names are not an error. Nothing but prune and the release of pins and holds deletes. */
  delete(objects: readonly string[], options?: AbortableOptions): Promise<void>
}

/** What a space knows of the keys that its objects are sealed with. */
export interface Seals {
  /** Id of the key that sealed the objects; of several keys the oldest. */
  of(objects: readonly string[], options?: AbortableOptions): Promise<string>
  /** Is that key so many renewals behind that what it sealed should be sealed anew when it is used again? */
  outworn(keyId: string | undefined, options?: AbortableOptions): Promise<boolean>
}

export function createObjectSpace(storage: StorageAdapter, prefix: string, repositoryId: string): ObjectSpace {
  const space: ObjectSpace = {
    storage,
    prefix,
    repositoryId,
    label: (object) => `${prefix}${object} (${storage.name})`,
    async get(object, { limit, signal, accept }) {
      const options = { signal, ...(accept && { accept }) }
      if (storage.capabilities.rangeRead) {
        const bytes = await storage.get(prefix + object, { ...options, range: { start: 0, end: limit + 1 } })
        if (bytes.byteLength > limit) throw corrupt(space.label(object), `more than ${limit} bytes`)
        return bytes
      }
      const stat = await space.stat(object, { signal })
      if (stat && stat.bytes > limit) throw corrupt(space.label(object), `${stat.bytes} bytes, at most ${limit} expected`)
      return storage.get(prefix + object, options)
    },
    async getRange(object, start, end, { signal, accept } = {}) {
      if (storage.capabilities.rangeRead) return storage.get(prefix + object, { signal, range: { start, end }, ...(accept && { accept }) })
      const whole = accept && { accept: (bytes: Uint8Array) => accept(bytes.subarray(start, end)) }
      return (await storage.get(prefix + object, { signal, ...whole })).subarray(start, end)
    },
    async stat(object, options) {
      const stat = await storage.stat(prefix + object, options)
      return stat && { ...stat, key: object }
    },
    async *list(objectPrefix, options) {
      for await (const stat of storage.list(prefix + objectPrefix, options)) yield { ...stat, key: stat.key.slice(prefix.length) }
    },
    async putNew(object, body, digest, { same, limit, signal, transfer = false }) {
      try {
        await storage.put(prefix + object, body, { ifAbsent: true, sha256: digest, signal, transfer })
        return 'written'
      } catch (error) {
        // Taken by another writer, or by this very put, whose answer was lost on the way: what stands there tells.
        const taken = isHoldfastError(error, 'E_STORAGE_EXISTS')
        const unknown = isHoldfastError(error, 'E_STORAGE') && error.details.fatal !== true
        if (!taken && !unknown) throw error
        if (await isThere(same, () => space.get(object, { limit, signal }), taken)) return 'same'
        throw error
      }
    },
    chunkNamer: async () => (plainSha256) => plainSha256,
    seals: null,
    delete: (objects, options) =>
      storage.delete(
        objects.map((object) => prefix + object),
        options,
      ),
  }
  return space
}

/** A failure to look only counts when the name is known to be taken; else the failure of the put is what the caller must hear of. */
async function isThere(same: PutNewOptions['same'], read: () => Promise<Uint8Array>, taken: boolean): Promise<boolean> {
  try {
    return await same(await read())
  } catch (error) {
    if (taken) throw error
    return false
  }
}

/** `same` for objects that are equal only byte for byte. */
export function sameDigest(digest: string): PutNewOptions['same'] {
  return async (existing) => sha256(existing) === digest
}
