/**
 * Whole record lines in key order, about 1 MiB (the unit of compression). The bytes belong to the consumer once yielded.
 *
 * `marks` holds `stride` offsets into `bytes` for each line: `[end, keyEnd, ref0Start, ref0End, ref1Start, …]`.
 * `end` is just past the line's 0x0A; `keyEnd` just past the value of the last key field (key fields come first in every line);
 * each pair spans the JSON value of one reference field (start = end when it is null).
 */
export interface RecordBatch {
  readonly bytes: Uint8Array
  readonly rows: number
  readonly marks: Uint32Array
  readonly stride: number
  /**
   * Gives the bytes back to whoever made them, to be filled again. Optional on both sides: call it at most once, when nothing reads them any more; not
   * calling it costs a fresh buffer for each batch, which is what garbage collection then spends its time on.
   */
  readonly release?: () => void
  /** What the database hashes of these rows for its own digest. There when the view was asked for `digests` and can tell it from the rows. */
  readonly hashed?: HashedTexts
}

/** The text of each row, one after the other, and where each ends. */
export interface HashedTexts {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}
