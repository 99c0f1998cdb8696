import type { ManifestEntity } from '../archive/index.ts'
import type { KeyText } from '../contracts/key-range.ts'

/** Why a row comes back. */
export type RowReason =
  | { readonly because: 'asked' }
  /** The row of that key refers to it, or, for `child` and `link`, it refers to the row of that key; `link`: a row of a junction table, or the part of a record that stands in the table of another class (table-per-type inheritance). */
  | { readonly because: 'parent' | 'child' | 'link'; readonly entity: string; readonly key: KeyText }

/** Rows of one entity that are to come back. */
export interface SelectedRows {
  readonly rows: number
  /** Their lines, read and proved, each ended by 0x0A: of few rows. */
  readonly kept?: readonly Uint8Array[]
  /** Of pieces of whole lines, those lines that are meant. */
  filter(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Property paths that are written, beside the key; all when it is not there. */
  readonly fields?: readonly string[] | undefined
  /** All of them are here because others refer to them. */
  readonly onlyParents: boolean
  why(key: KeyText): RowReason
}

/** Of an entity of the snapshot, whose ranges are those that hold such rows; undefined for one that comes back whole. */
export type RowSelection = (ranges: ManifestEntity['ranges']) => SelectedRows | undefined
