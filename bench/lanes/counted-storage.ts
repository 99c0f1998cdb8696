import type { StorageAdapter } from 'holdfast'

export interface CountedStorage {
  readonly storage: StorageAdapter
  /** Objects and bytes read so far. */
  readonly read: () => { readonly objects: number; readonly bytes: number; readonly keys: ReadonlySet<string> }
}

/** Counts what is read from a storage; an object read in two pieces counts as one. */
export function countedStorage(base: StorageAdapter): CountedStorage {
  const objects = new Set<string>()
  let bytes = 0
  return {
    storage: {
      ...base,
      async get(key, options) {
        objects.add(key)
        const body = await base.get(key, options)
        bytes += body.byteLength
        return body
      },
    },
    read: () => ({ objects: objects.size, bytes, keys: objects }),
  }
}
