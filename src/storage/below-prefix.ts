import type { ObjectStat, StorageAdapter } from '../contracts/storage-adapter.ts'
import { assertObjectPrefix } from '../contracts/object-key.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** The part of a storage that lies below a prefix, by the names below it. `prefix` is empty or ends with a slash. */
export function belowPrefix(storage: StorageAdapter, prefix: string): StorageAdapter {
  assertObjectPrefix(prefix, storage.capabilities)
  const below = (stat: ObjectStat): ObjectStat => ({ ...stat, key: stat.key.slice(prefix.length) })
  return {
    name: prefix === '' ? storage.name : `${storage.name}/${prefix.slice(0, -1)}`,
    capabilities: { ...storage.capabilities, maxKeyBytes: storage.capabilities.maxKeyBytes - prefix.length },
    put: (key, body, options) => storage.put(prefix + key, body, options),
    get: (key, options) => storage.get(prefix + key, options),
    async stat(key, options) {
      const stat = await storage.stat(prefix + key, options)
      return stat && below(stat)
    },
    async *list(start, options) {
      for await (const stat of storage.list(prefix + start, options)) yield below(stat)
    },
    delete: (keys, options) =>
      storage.delete(
        keys.map((key) => prefix + key),
        options,
      ),
    ...(storage.removeFolders && { removeFolders: (folder: string, options?: AbortableOptions) => storage.removeFolders!(prefix + folder, options) }),
    ...(storage.place && { place: (options: AbortableOptions) => storage.place!(options) }),
    ...(storage.quota && { quota: (options: AbortableOptions) => storage.quota!(options) }),
    close: () => storage.close(),
  }
}
