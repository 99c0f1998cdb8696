import type { KeyText } from '../contracts/key-range.ts'

/** Two sides of one record whose lines are not the same; null where a side does not have it. The bytes are the receiver's until the next pair. */
export interface RecordPair {
  readonly key: KeyText
  readonly before: Uint8Array | null
  readonly after: Uint8Array | null
}
