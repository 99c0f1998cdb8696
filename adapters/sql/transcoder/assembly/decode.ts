import {
  APPENDED, APPENDED_COUNT, ARRAY, BAD, BAD_FIELD, BAD_REASON, BATCH_FULL, BOOLEAN, BYTES, DIGITS, FIELDS, FIELD_BYTES, FIELD_COUNT, FIXED_BYTES, FLOAT,
  F_DELIMITER, F_ELEMENT, F_FLAGS, F_KIND, F_PREFIX, F_PREFIX_BYTES, INT, IN_END, IN_POS, JSONB, LINE, LONG_ROW, NEED, NEED_INPUT, NEED_ROOM, OUT_BASE,
  OUT_END, OUT_POS, ROWS, R_END, R_NAME, R_VALUE, SENT, TARGET, TEXT, TIMESTAMP, countSpecials,
} from './control'
import { Cursor } from './cursor'
import { base64ToHex } from './base64'
import { copySpan, doubleBackslashes, integerEnd, isSpecialFloat, numberEnd, plainEnd, stringToCopy, wrappedEnd } from './json-values'
import { decodeArray } from './array-decode'

/** The next newline, or 0. */
function lineEnd(src: usize, end: usize): usize {
  while (src < end) {
    const mask: u32 = i8x16.bitmask(i8x16.eq(v128.load(src), i8x16.splat(10)))
    if (mask) {
      const at = src + ctz(mask)
      return at < end ? at : 0
    }
    src += 16
  }
  return 0
}

// @ts-ignore: decorator
@inline
function samePrefix(src: usize, prefix: usize, length: usize): bool {
  let left = length
  while (left >= 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(src), v128.load(prefix))) != 0xffff) return false
    src += 16
    prefix += 16
    left -= 16
  }
  const wanted: u32 = (1 << <u32>left) - 1
  return (<u32>i8x16.bitmask(i8x16.eq(v128.load(src), v128.load(prefix))) & wanted) == wanted
}

function writeNumber(dst: usize, n: u64): usize {
  let digits: usize = 1
  for (let rest = n / 10; rest; rest /= 10) digits++
  for (let at = dst + digits; at > dst; n /= 10) store<u8>(--at, 0x30 + <u32>(n % 10))
  return dst + digits
}

/** One value other than null as COPY text; 0 when it is not in the canonical form of its kind. */
// @ts-ignore: decorator
@inline
function value(field: usize, src: usize, dst: usize): usize {
  const c: u32 = load<u8>(src)
  switch (<u32>load<u8>(field, F_KIND)) {
    case INT: {
      const end = integerEnd(src)
      if (!end) return 0
      Cursor.src = end
      return copySpan(src, end, dst)
    }
    case FLOAT: {
      if (c == 0x22) {
        const end = plainEnd(src + 1)
        if (!end || !isSpecialFloat(src + 1, end)) return 0
        Cursor.src = end + 1
        return copySpan(src + 1, end, dst)
      }
      const end = numberEnd(src)
      if (!end) return 0
      Cursor.src = end
      return copySpan(src, end, dst)
    }
    case BOOLEAN: {
      if (load<u32>(src) == 0x65757274) Cursor.src = src + 4
      else if (load<u32>(src) == 0x736c6166 && load<u8>(src, 4) == 0x65) Cursor.src = src + 5
      else return 0
      store<u8>(dst, c)
      return dst + 1
    }
    case DIGITS: {
      if (c != 0x22) return 0
      const end = plainEnd(src + 1)
      if (!end || end == src + 1) return 0
      Cursor.src = end + 1
      return copySpan(src + 1, end, dst)
    }
    case TIMESTAMP: {
      if (c != 0x22) return 0
      const end = plainEnd(src + 1)
      if (!end) return 0
      Cursor.src = end + 1
      const stop = copySpan(src + 1, end, dst)
      // The `T` becomes a space; a space before it would come out as a `T`.
      for (let at = dst; at < stop; at++) {
        const b: u32 = load<u8>(at)
        if (b == 0x20) return 0
        if (b == 0x54) {
          store<u8>(at, 0x20)
          break
        }
      }
      return stop
    }
    case BYTES: {
      if (c != 0x22) return 0
      const end = plainEnd(src + 1)
      if (!end) return 0
      Cursor.src = end + 1
      store<u32>(dst, 0x785c5c)
      return base64ToHex(src + 1, end - src - 1, dst + 3)
    }
    case JSONB: {
      if (c != 0x5b) return 0
      const end = wrappedEnd(src + 1)
      if (!end) return 0
      Cursor.src = end + 1
      return doubleBackslashes(src + 1, end, dst)
    }
    case TEXT:
      return c == 0x22 ? stringToCopy(src + 1, dst) : 0
    case ARRAY: {
      if (c == 0x22) return stringToCopy(src + 1, dst)
      return c == 0x5b ? decodeArray(src, dst, load<u8>(field, F_ELEMENT), load<u8>(field, F_DELIMITER)) : 0
    }
    default:
      return 0
  }
  return 0
}

/** Turns the whole lines from IN_POS on into rows of COPY text at OUT_POS, until the input, the batch or the room is at its end or a line is bad. */
export function decode(): i32 {
  const fields: usize = load<u32>(FIELDS)
  const fieldsEnd: usize = fields + <usize>load<u32>(FIELD_COUNT) * FIELD_BYTES
  const appended: usize = load<u32>(APPENDED)
  const appendedEnd: usize = appended + <usize>load<u32>(APPENDED_COUNT) * 8
  const inEnd: usize = load<u32>(IN_END)
  const outEnd: usize = load<u32>(OUT_END)
  const full: usize = load<u32>(OUT_BASE) + load<u32>(TARGET)
  const fixed: u64 = load<u32>(FIXED_BYTES)
  let number = load<u64>(LINE)
  let rows = load<u32>(ROWS)
  let line: usize = load<u32>(IN_POS)
  let dst: usize = load<u32>(OUT_POS)
  let status = NEED_INPUT
  while (true) {
    if (dst >= full) {
      status = BATCH_FULL
      break
    }
    const end = lineEnd(line, inEnd)
    if (!end) break
    const length = <u64>(end - line)
    // At most a backslash becomes four bytes and a quote three; two hex digits stand for three quarters of a base64 character.
    const bound = fixed + (length > LONG_ROW ? length + (length >> 1) + <u64>countSpecials(line, end) * 3 : length * 4)
    if (<u64>dst + bound > <u64>outEnd) {
      store<u32>(NEED, <u32>min<u64>(bound, <u64>u32.MAX_VALUE))
      status = NEED_ROOM
      break
    }
    const rowStart = dst
    let reason: u32 = 0
    let src = line
    let field = fields
    while (field != fieldsEnd) {
      const prefixBytes: usize = load<u32>(field, F_PREFIX_BYTES)
      if (!samePrefix(src, load<u32>(field, F_PREFIX), prefixBytes)) {
        const c: u32 = load<u8>(src)
        reason = R_NAME
        if (field != fields && c != 0x2c && c != 0x7d) {
          // The value before went on.
          reason = R_VALUE
          field -= FIELD_BYTES
        }
        break
      }
      src += prefixBytes
      const sent = <u32>load<u8>(field, F_FLAGS) & SENT
      const from = dst
      if (load<u32>(src) == 0x6c6c756e) {
        store<u16>(dst, 0x4e5c)
        dst += 2
        src += 4
      } else {
        dst = value(field, src, dst)
        if (!dst) {
          reason = R_VALUE
          break
        }
        src = Cursor.src
      }
      if (sent) {
        store<u8>(dst, 9)
        dst += 1
      } else dst = from
      field += FIELD_BYTES
    }
    // The line ends where the record does; a value that another field's name should follow is told as that field's.
    if (reason == 0 && (load<u8>(src) != 0x7d || src + 1 != end)) {
      reason = R_END
      field -= FIELD_BYTES
    }
    if (reason) {
      store<u32>(BAD_FIELD, <u32>((field - fields) / FIELD_BYTES))
      store<u32>(BAD_REASON, reason)
      dst = rowStart
      status = BAD
      break
    }
    for (let column = appended; column != appendedEnd; column += 8) {
      const text: usize = load<u32>(column)
      dst = text ? copySpan(text, text + load<u32>(column, 4), dst) : writeNumber(dst, number)
      store<u8>(dst, 9)
      dst += 1
    }
    if (dst == rowStart) dst += 1
    store<u8>(dst - 1, 10)
    rows += 1
    number += 1
    line = end + 1
  }
  store<u32>(IN_POS, <u32>line)
  store<u32>(OUT_POS, <u32>dst)
  store<u32>(ROWS, rows)
  store<u64>(LINE, number)
  return status
}
