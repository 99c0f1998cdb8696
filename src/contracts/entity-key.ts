import type { WrittenBytes } from './written-bytes.ts'

/** One value of a key. Timestamps are given as the text that the records hold: a `Date` has too few digits to name one. */
export type KeyValue = string | number | bigint | boolean | Uint8Array | WrittenBytes

/** The key of a record: its value; for a key of several fields a list in key order, or an object by property path. */
export type EntityKey = KeyValue | readonly KeyValue[] | { readonly [path: string]: KeyValue }
