import type { ChangeEvidence } from './change-evidence.ts'

/**
 * A primary key as text: the JSON array of its values in record encoding, without white space: `[42]`, `["9007199254740993"]`,
 * `["eu","a-1"]`. Equal keys have equal text. Order is the database's, not the text's.
 */
export type KeyText = string

/** The keys `from` (inclusive) up to `to` (exclusive) in the database's order; null is unbounded. The ranges of an entity cover all keys without gap or overlap. */
export interface KeyRange {
  readonly from: KeyText | null
  readonly to: KeyText | null
}

/** A range whose content is known from a chunk stored earlier. */
export interface KnownRange {
  readonly range: KeyRange
  readonly rows: number
  /** SHA-256 (hex) of the record lines of the range, in key order, each ended by 0x0A. Null when the lines were never together at hand: a method that compares them is undecided. */
  readonly sha256: string | null
  /** What the database's own digest function said of the range: text that only the store that gave it understands. */
  readonly digest?: string
  /** The evidence of the view that read or last confirmed it. */
  readonly evidence: ChangeEvidence
}

/** What the database says of a known range inside one view. `unknown` means that the method could not decide; it must be read again. */
export interface RangeState {
  /** Position in the list that was asked. */
  readonly index: number
  readonly state: 'unchanged' | 'changed' | 'unknown'
  /** Rows now in the range, where the method counted them. */
  readonly rows?: number
  /**
   * Of a changed range: how many of its rows may differ from what is known; all others are as they were. Given where the view can tell, and then
   * `readChanged` gives exactly these rows.
   */
  readonly changedRows?: number
  readonly method: ChangeMethod
  /** Of an unchanged range: its digest from now on, where the known one is missing or could not be compared. Empty text: it has none and is to be asked for. */
  readonly digest?: string
  /** Why the state is not `unchanged`: `rows`, `xmin`, `evidence:<field>`, `digest`. */
  readonly reason?: string
}

/** `cursor`: keys and a column that the application declared are what they were; a guess, where the others prove. `position`: both views stand at the same place of the database's log, so nothing was committed between them. */
export type ChangeMethod = 'xmin' | 'digest-128' | 'sha256' | 'position' | 'cursor'
