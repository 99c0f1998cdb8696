import type { FieldDescriptor } from './entity-descriptor.ts'

/** What a masker works under: equal values give equal answers under one key, and nobody without it can tell a value from its answer. */
export interface MaskContext {
  /** 32 bytes of HMAC-SHA-256 of the text, under the key. */
  digest(text: string): Buffer
}

/** Replaces the values of a column on their way into another database. SQL NULL is never handed to it, and stays NULL. */
export interface Masker {
  /** Equal names mean equal answers to equal values: columns that refer to each other must have maskers of one name. In results. */
  readonly name: string
  /** Different values get different answers, so that a unique column stays unique. */
  readonly keepsUnique: boolean
  /** Values stay as they are. */
  readonly plain?: boolean
  /**
   * A function for one column; called once. The function takes a value in record encoding, and gives one that the column can hold.
   * @throws ValueError, from either, saying why it cannot, without the value
   */
  for(field: FieldDescriptor, context: MaskContext): (value: unknown) => unknown
}
