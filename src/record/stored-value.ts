/**
 * A value as a dynamically typed database stores it. The JavaScript type says the storage class, and nothing else may be read from it:
 * `bigint` INTEGER, `number` REAL (also 1 and -0), `string` TEXT, `Uint8Array` BLOB, `RawText` TEXT that is not UTF-8, `null` NULL.
 */
export type StoredValue = null | bigint | number | string | Uint8Array | RawText

/** TEXT whose bytes are not UTF-8 (a database does not check them), which no JavaScript string can hold. */
export class RawText {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

export type StorageClass = 'null' | 'integer' | 'real' | 'text' | 'blob'

export function storageClass(value: StoredValue): StorageClass {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return 'real'
  return typeof value === 'string' || value instanceof RawText ? 'text' : 'blob'
}
