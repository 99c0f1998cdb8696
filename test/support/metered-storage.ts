import type { StorageAdapter } from '../../src/contracts/index.ts'

export interface MeteredStorage {
  readonly storage: StorageAdapter
  /** Names of the objects read since the last reset, once for each read. */
  readonly reads: readonly string[]
  /** Chunks and their indexes among them. */
  readonly chunkReads: number
  readonly bytes: number
  reset(): void
}

/** Counts what is read from a storage. */
export function meteredStorage(base: StorageAdapter): MeteredStorage {
  let reads: string[] = []
  let bytes = 0
  return {
    storage: {
      ...base,
      async get(key, options) {
        reads.push(key)
        const object = await base.get(key, options)
        bytes += object.byteLength
        return object
      },
    },
    get reads() {
      return reads
    },
    get chunkReads() {
      return reads.filter((key) => key.includes('/chunks/')).length
    },
    get bytes() {
      return bytes
    },
    reset() {
      reads = []
      bytes = 0
    },
  }
}
