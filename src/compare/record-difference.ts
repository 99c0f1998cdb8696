import type { KeyText } from '../contracts/key-range.ts'

/** A JSON value in record encoding (TECHNICAL.md, "Records"): integers beyond 2^53 and decimals as text, timestamps as ISO text, bytes as base64. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue }

export interface FieldDifference {
  /** Property path. */
  readonly field: string
  /** Absent when the side does not have the record. `"•••"` for sensitive fields. */
  readonly before?: JsonValue
  readonly after?: JsonValue
}

/** One record that is not the same on both sides. */
export interface RecordDifference {
  readonly store: string
  readonly entity: string
  /** `"•••"` stands for the values of sensitive key fields. */
  readonly key: KeyText
  readonly change: 'added' | 'removed' | 'changed'
  /** Of an added or removed record all fields, of a changed one those that changed. */
  readonly fields: readonly FieldDifference[]
}
