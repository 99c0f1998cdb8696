// The control block: 32-bit words at a fixed place in memory, written and read by both sides. `transcoder.ts` has the same list.
// All pointers are absolute addresses. Memory grows only at the host's wish, between calls.

/** First descriptor of the program, and how many there are. */
export const FIELDS: usize = 64
export const FIELD_COUNT: usize = 68
/** Next byte to read, and the end of what was fed. */
export const IN_POS: usize = 72
export const IN_END: usize = 76
/** Start of the batch, next byte to write, and the end of the room (with 32 bytes of slack behind it). */
export const OUT_BASE: usize = 80
export const OUT_POS: usize = 84
export const OUT_END: usize = 88
/** A batch this long is full. */
export const TARGET: usize = 92
export const MARKS: usize = 96
/** Words of marks per line. */
export const STRIDE: usize = 100
/** Rows in the batch, and the most that `MARKS` has room for. */
export const ROWS: usize = 104
export const ROWS_MAX: usize = 108
/** Out: bytes of input or room that the next row needs. */
export const NEED: usize = 112
/** Out, with BAD: position of the field, and why. */
export const BAD_FIELD: usize = 116
export const BAD_REASON: usize = 120
/** Most bytes that a row needs beside what its values do. */
export const FIXED_BYTES: usize = 124
/** 1 when a field is an array. */
export const HAS_ARRAYS: usize = 128
/** Appended columns: (pointer, length) pairs; pointer 0 is the line number. */
export const APPENDED: usize = 132
export const APPENDED_COUNT: usize = 136
/** 64 bits: number of the next line. */
export const LINE: usize = 144
/** Rows of MySQL: next byte of the text that the server would hash, and the end of the room for it. */
export const TEXT_POS: usize = 152
export const TEXT_END: usize = 156
/** The end of the text of each row, from `TEXT_BASE` on. */
export const TEXT_ENDS: usize = 160
export const TEXT_BASE: usize = 164
/** 1 when that text is wanted, and the eight bytes that part its values. */
export const WITH_TEXT: usize = 168
export const SEPARATOR: usize = 176
/** How many fields may be NULL. */
export const NULLABLES: usize = 184
/** 1 when a column behind the fields says whether all text of the row has an exact Unicode form. */
export const WITH_VERDICT: usize = 188
/** Length of the row, when one without a header is fed; else 0. */
export const ALONE: usize = 192

// A field descriptor.
export const FIELD_BYTES: usize = 16
export const F_KIND: usize = 0
export const F_ELEMENT: usize = 1
export const F_DELIMITER: usize = 2
export const F_FLAGS: usize = 3
/** `,"path":` (or `{"path":`), padded to whole 16 bytes. */
export const F_PREFIX: usize = 4
export const F_PREFIX_BYTES: usize = 8
/** Byte offset of the value's span in the marks of a line; 0 when it has none. */
export const F_MARK: usize = 12

export const LAST_OF_KEY: u32 = 1
export const SENT: u32 = 2
export const NULLABLE: u32 = 4

export const INT: u32 = 0
/** A string without escapes: bigint, decimal. */
export const DIGITS: u32 = 1
export const FLOAT: u32 = 2
export const BOOLEAN: u32 = 3
export const TIMESTAMP: u32 = 4
export const BYTES: u32 = 5
export const JSONB: u32 = 6
export const TEXT: u32 = 7
export const ARRAY: u32 = 8

// What a call ends with.
export const NEED_INPUT: i32 = 0
export const BATCH_FULL: i32 = 1
export const NEED_ROOM: i32 = 2
/** A message that is not CopyData stands at IN_POS. */
export const MESSAGE: i32 = 3
export const BAD: i32 = 4

// Reasons for BAD.
export const R_COLUMNS: u32 = 1
export const R_VALUE: u32 = 2
export const R_NAME: u32 = 3
export const R_END: u32 = 4
export const R_NULL: u32 = 5
export const R_INEXACT: u32 = 6

/** Rows longer than this are counted before they are converted, so that the room they get is near to what they need. */
export const LONG_ROW: u32 = 16384

/** How many bytes of the span are control characters, quotes or backslashes. Reads up to 15 bytes past the end. */
export function countSpecials(src: usize, end: usize): u32 {
  let total: u32 = 0
  while (src < end) {
    const v = v128.load(src)
    let mask: u32 = i8x16.bitmask(v128.or(v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x22))), i8x16.eq(v, i8x16.splat(0x5c))))
    if (end - src < 16) mask &= (1 << <u32>(end - src)) - 1
    total += popcnt(mask)
    src += 16
  }
  return total
}
