import type { WrittenBytes } from './written-bytes.ts'

/** One value of a key. Timestamps are given as the text that the records hold: a `Date` has too few digits to name one. Bytes may be given as `{ blob: base64 }`, or as the base64 that records of PostgreSQL and MySQL hold. */
export type KeyValue = string | number | bigint | boolean | Uint8Array | WrittenBytes

/** The key of a record: its value; for a key of several fields a list in key order, or an object by property path. */
export type EntityKey = KeyValue | readonly KeyValue[] | { readonly [path: string]: KeyValue }
