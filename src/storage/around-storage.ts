import type { GetOptions, ObjectStat, PutOptions, StorageAdapter } from '../contracts/storage-adapter.ts'
import type { AbortableOptions } from '../kernel/abort.ts'

/** A call to a storage, as a wrapper sees it. */
export interface StorageCall {
  readonly method: 'put' | 'get' | 'stat' | 'delete' | 'place' | 'quota'
  /** Bytes of the body of a `put`, else 0. */
  readonly bytesUp: number
  readonly signal: AbortSignal | undefined
}

export interface StorageAround {
  /** Does `work`, which makes the call, or does not. */
  readonly call: <T>(call: StorageCall, work: () => Promise<T>) => Promise<T>
  readonly list: (listing: () => AsyncIterable<ObjectStat>, signal: AbortSignal | undefined) => AsyncIterable<ObjectStat>
}

/** The same storage, with something around each call. */
export function aroundStorage(storage: StorageAdapter, { call, list }: StorageAround): StorageAdapter {
  return {
    name: storage.name,
    capabilities: storage.capabilities,
    put: (key: string, body: Uint8Array | readonly Uint8Array[], options: PutOptions) =>
      call({ method: 'put', bytesUp: bytesOf(body), signal: options.signal }, () => storage.put(key, body, options)),
    get: (key: string, options: GetOptions = {}) => call({ method: 'get', bytesUp: 0, signal: options.signal }, () => storage.get(key, options)),
    stat: (key: string, options: AbortableOptions = {}) => call({ method: 'stat', bytesUp: 0, signal: options.signal }, () => storage.stat(key, options)),
    list: (prefix: string, options: AbortableOptions = {}) => list(() => storage.list(prefix, options), options.signal),
    delete: (keys: readonly string[], options: AbortableOptions = {}) =>
      call({ method: 'delete', bytesUp: 0, signal: options.signal }, () => storage.delete(keys, options)),
    ...(storage.removeFolders && { removeFolders: (prefix: string, options?: AbortableOptions) => storage.removeFolders!(prefix, options) }),
    ...(storage.place && {
      place: (options: AbortableOptions = {}) => call({ method: 'place', bytesUp: 0, signal: options.signal }, () => storage.place!(options)),
    }),
    ...(storage.quota && {
      quota: (options: AbortableOptions = {}) => call({ method: 'quota', bytesUp: 0, signal: options.signal }, () => storage.quota!(options)),
    }),
    close: () => storage.close(),
  }
}

function bytesOf(body: Uint8Array | readonly Uint8Array[]): number {
  return body instanceof Uint8Array ? body.byteLength : body.reduce((sum, piece) => sum + piece.byteLength, 0)
}
