import {
  ARRAY, BAD, BAD_FIELD, BAD_REASON, BATCH_FULL, BOOLEAN, BYTES, DIGITS, FIELDS, FIELD_BYTES, FIELD_COUNT, FIXED_BYTES, FLOAT, F_DELIMITER,
  F_ELEMENT, F_FLAGS, F_KIND, F_MARK, F_PREFIX, F_PREFIX_BYTES, HAS_ARRAYS, INT, IN_END, IN_POS, JSONB, LAST_OF_KEY, LONG_ROW, MARKS, MESSAGE, NEED,
  NEED_INPUT, NEED_ROOM, OUT_BASE, OUT_END, OUT_POS, ROWS, ROWS_MAX, R_COLUMNS, R_VALUE, STRIDE, TARGET, TEXT, TIMESTAMP, countSpecials,
} from './control'
import { Cursor } from './cursor'
import { hexToBase64 } from './base64'
import { copyToJson } from './json-text'
import { encodeArray } from './array-encode'

/** Copies up to the next control character (so: tab or newline) and says how far that was. Writes up to 15 bytes more. */
// @ts-ignore: decorator
@inline
function copyPlain(src: usize, dst: usize): usize {
  let n: usize = 0
  while (true) {
    const v = v128.load(src + n)
    v128.store(dst + n, v)
    const mask: u32 = i8x16.bitmask(i8x16.lt_u(v, i8x16.splat(0x20)))
    if (mask) return n + ctz(mask)
    n += 16
  }
}

/** jsonb as printed: only COPY's doubled backslashes are undone. */
function copyJsonb(src: usize, dst: usize): usize {
  while (true) {
    const v = v128.load(src)
    v128.store(dst, v)
    const mask: u32 = i8x16.bitmask(v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x5c))))
    if (mask == 0) {
      src += 16
      dst += 16
      continue
    }
    const n: usize = ctz(mask)
    src += n
    dst += n
    if (load<u16>(src) != 0x5c5c) break
    src += 2
    dst += 1
  }
  Cursor.src = src
  return dst
}

/** Hex of a `bytea` as base64; 0 when it is none. */
function copyBytes(src: usize, dst: usize): usize {
  if (load<u16>(src) != 0x5c5c || load<u8>(src + 2) != 0x78) return 0
  src += 3
  let end = src
  while (true) {
    const mask: u32 = i8x16.bitmask(i8x16.lt_u(v128.load(end), i8x16.splat(0x20)))
    if (mask) {
      end += ctz(mask)
      break
    }
    end += 16
  }
  Cursor.src = end
  return hexToBase64(src, end - src, dst)
}

/**
 * Turns the CopyData messages from IN_POS on into record lines at OUT_POS, one message one row, until the input ends inside a message, the
 * batch is full, the room is too small or something else comes. Only whole rows are taken.
 */
export function encode(): i32 {
  const fields: usize = load<u32>(FIELDS)
  const fieldsEnd: usize = fields + <usize>load<u32>(FIELD_COUNT) * FIELD_BYTES
  const inEnd: usize = load<u32>(IN_END)
  const outBase: usize = load<u32>(OUT_BASE)
  const outEnd: usize = load<u32>(OUT_END)
  const full: usize = outBase + load<u32>(TARGET)
  const markBytes: usize = load<u32>(STRIDE) << 2
  const fixed: u64 = load<u32>(FIXED_BYTES)
  const growth: u64 = load<u32>(HAS_ARRAYS) ? 3 : 1
  const rowsMax = load<u32>(ROWS_MAX)
  let rows = load<u32>(ROWS)
  let marks: usize = load<u32>(MARKS) + <usize>rows * markBytes
  let row: usize = load<u32>(IN_POS)
  let dst: usize = load<u32>(OUT_POS)
  let status = NEED_INPUT
  while (true) {
    if (dst >= full || rows == rowsMax) {
      status = BATCH_FULL
      break
    }
    if (row + 5 > inEnd) {
      store<u32>(NEED, 5)
      break
    }
    if (load<u8>(row) != 0x64) {
      status = MESSAGE
      break
    }
    const length = bswap<u32>(load<u32>(row + 1))
    if (<u64>row + length + 1 > <u64>inEnd) {
      store<u32>(NEED, length + 1)
      break
    }
    const rowEnd = row + length
    let bound = <u64>length * 6
    if (length > LONG_ROW) bound = <u64>length * growth + <u64>countSpecials(row, rowEnd) * 5
    bound += fixed
    if (<u64>dst + bound > <u64>outEnd) {
      store<u32>(NEED, <u32>min<u64>(bound, <u64>u32.MAX_VALUE))
      status = NEED_ROOM
      break
    }
    // Every scan below stops at this newline at the latest.
    let reason: u32 = length < 5 || load<u8>(rowEnd) != 10 ? R_COLUMNS : 0
    let src = row + 5
    let field = fields
    while (reason == 0) {
      const prefix: usize = load<u32>(field, F_PREFIX)
      const prefixBytes: usize = load<u32>(field, F_PREFIX_BYTES)
      v128.store(dst, v128.load(prefix))
      if (prefixBytes > 16) {
        for (let i: usize = 16; i < prefixBytes; i += 16) v128.store(dst + i, v128.load(prefix + i))
      }
      dst += prefixBytes
      const start = dst
      const mark: usize = load<u32>(field, F_MARK)
      if (load<u16>(src) == 0x4e5c) {
        store<u32>(dst, 0x6c6c756e)
        dst += 4
        src += 2
        if (mark) {
          store<u32>(marks + mark, <u32>(dst - outBase))
          store<u32>(marks + mark + 4, <u32>(dst - outBase))
        }
      } else {
        switch (<u32>load<u8>(field, F_KIND)) {
          case INT: {
            const n = copyPlain(src, dst)
            src += n
            dst += n
            break
          }
          case DIGITS: {
            store<u8>(dst, 0x22)
            const n = copyPlain(src, dst + 1)
            src += n
            dst += n + 2
            store<u8>(dst - 1, 0x22)
            break
          }
          case FLOAT: {
            const c: u32 = load<u8>(src)
            // NaN, Infinity, -Infinity
            const quoted: usize = c == 0x4e || c == 0x49 || (c == 0x2d && load<u8>(src + 1) == 0x49) ? 1 : 0
            store<u8>(dst, 0x22)
            dst += quoted
            const n = copyPlain(src, dst)
            src += n
            dst += n
            store<u8>(dst, 0x22)
            dst += quoted
            break
          }
          case BOOLEAN: {
            const c: u32 = load<u8>(src)
            if (c != 0x74 && c != 0x66) reason = R_VALUE
            store<u32>(dst, c == 0x74 ? 0x65757274 : 0x736c6166)
            store<u8>(dst + 4, 0x65)
            dst += c == 0x74 ? 4 : 5
            src += 1
            break
          }
          case TIMESTAMP: {
            store<u8>(dst, 0x22)
            const n = copyPlain(src, dst + 1)
            src += n
            dst += n + 2
            store<u8>(dst - 1, 0x22)
            // Between date and time stands the only space, but for ' BC' behind: the first.
            const mask: u32 = i8x16.bitmask(i8x16.eq(v128.load(start + 1), i8x16.splat(0x20)))
            if (mask) {
              const at = start + 1 + ctz(mask)
              if (at < dst) store<u8>(at, 0x54)
            }
            break
          }
          case BYTES: {
            store<u8>(dst, 0x22)
            const end = copyBytes(src, dst + 1)
            if (end) {
              src = Cursor.src
              dst = end + 1
              store<u8>(end, 0x22)
            } else reason = R_VALUE
            break
          }
          case JSONB: {
            store<u8>(dst, 0x5b)
            dst = copyJsonb(src, dst + 1)
            src = Cursor.src
            store<u8>(dst, 0x5d)
            dst += 1
            break
          }
          case TEXT: {
            store<u8>(dst, 0x22)
            dst = copyToJson(src, dst + 1)
            src = Cursor.src
            store<u8>(dst, 0x22)
            dst += 1
            break
          }
          case ARRAY: {
            const end = encodeArray(src, dst, load<u8>(field, F_ELEMENT), load<u8>(field, F_DELIMITER))
            if (end) {
              src = Cursor.src
              dst = end
            } else reason = R_VALUE
            break
          }
          default:
            unreachable()
        }
        if (mark) {
          store<u32>(marks + mark, <u32>(start - outBase))
          store<u32>(marks + mark + 4, <u32>(dst - outBase))
        }
      }
      if (<u32>load<u8>(field, F_FLAGS) & LAST_OF_KEY) store<u32>(marks + 4, <u32>(dst - outBase))
      const c: u32 = load<u8>(src)
      const last = field + FIELD_BYTES == fieldsEnd
      if (reason == 0 && c != <u32>(last ? 10 : 9)) reason = c == 9 || c == 10 ? R_COLUMNS : R_VALUE
      if (reason == 0 && last) {
        if (src != rowEnd) reason = R_COLUMNS
        break
      }
      if (reason == 0) {
        src += 1
        field += FIELD_BYTES
      }
    }
    if (reason) {
      store<u32>(BAD_FIELD, <u32>((field - fields) / FIELD_BYTES))
      store<u32>(BAD_REASON, reason)
      status = BAD
      break
    }
    store<u16>(dst, 0x0a7d)
    dst += 2
    store<u32>(marks, <u32>(dst - outBase))
    marks += markBytes
    rows += 1
    row = rowEnd + 1
  }
  store<u32>(IN_POS, <u32>row)
  // A row that was begun and is bad stays unwritten: OUT_POS only ever follows whole rows.
  if (status != BAD) store<u32>(OUT_POS, <u32>dst)
  store<u32>(ROWS, rows)
  return status
}
