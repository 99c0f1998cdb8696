import {
  BAD, BAD_FIELD, BAD_REASON, BATCH_FULL, BOOLEAN, BYTES, DIGITS, FIELDS, FIELD_BYTES, FIELD_COUNT, FIXED_BYTES, FLOAT, F_FLAGS, F_KIND, F_MARK,
  F_PREFIX, F_PREFIX_BYTES, INT, IN_END, IN_POS, JSONB, LAST_OF_KEY, ALONE, LONG_ROW, MARKS, NEED, NEED_INPUT, NEED_ROOM, NULLABLE, NULLABLES,
  OUT_BASE, OUT_END, OUT_POS, ROWS, ROWS_MAX, R_COLUMNS, R_INEXACT, R_NULL, SEPARATOR, STRIDE, TARGET, TEXT, TEXT_BASE, TEXT_END, TEXT_ENDS,
  TEXT_POS, TIMESTAMP, WITH_TEXT, WITH_VERDICT, countSpecials,
} from './control'
import { bytesToBase64 } from './base64'
import { rawToJson } from './json-text'
import { copySpan } from './json-values'

/** Length and sequence number before each row. */
const HEADER: usize = 4
const SEPARATOR_BYTES: usize = 8

/**
 * Turns the rows from IN_POS on, as MySQL's text protocol sends them (each with its header), into record lines at OUT_POS, until the input ends, the batch is
 * full or the room is too small. Only whole rows may be fed. With WITH_TEXT, what the server hashes of each row is written as well: a map of which
 * fields are NULL, then the separator and the bytes of each one that is not.
 */
export function encodeRows(): i32 {
  const fields: usize = load<u32>(FIELDS)
  const fieldsEnd: usize = fields + <usize>load<u32>(FIELD_COUNT) * FIELD_BYTES
  const inEnd: usize = load<u32>(IN_END)
  const outBase: usize = load<u32>(OUT_BASE)
  const outEnd: usize = load<u32>(OUT_END)
  const full: usize = outBase + <usize>load<u32>(TARGET)
  const markBytes: usize = <usize>load<u32>(STRIDE) << 2
  const fixed: u64 = load<u32>(FIXED_BYTES)
  const rowsMax = load<u32>(ROWS_MAX)
  const withText = load<u32>(WITH_TEXT) != 0
  const withVerdict = load<u32>(WITH_VERDICT) != 0
  const separator = load<u64>(SEPARATOR)
  const mapBytes: usize = load<u32>(NULLABLES)
  const textFixed: u64 = <u64>mapBytes + <u64>load<u32>(FIELD_COUNT) * SEPARATOR_BYTES
  const textEnd: usize = load<u32>(TEXT_END)
  const textBase: usize = load<u32>(TEXT_BASE)
  const textEnds: usize = load<u32>(TEXT_ENDS)
  let rows = load<u32>(ROWS)
  let marks: usize = load<u32>(MARKS) + <usize>rows * markBytes
  let row: usize = load<u32>(IN_POS)
  let dst: usize = load<u32>(OUT_POS)
  let text: usize = load<u32>(TEXT_POS)
  let status = NEED_INPUT
  while (row < inEnd) {
    if (dst >= full || rows == rowsMax) {
      status = BATCH_FULL
      break
    }
    const alone: usize = load<u32>(ALONE)
    const length: usize = alone ? alone : <usize>(load<u32>(row) & 0xffffff)
    let src = row + HEADER
    const rowEnd = src + length
    // A long value needs what it needs; of short ones any byte may become six.
    let bound = <u64>length * 6
    if (length > LONG_ROW) bound = <u64>length * 2 + <u64>countSpecials(src, rowEnd) * 5
    bound += fixed
    const textBound = withText ? <u64>length + textFixed : 0
    if (<u64>dst + bound > <u64>outEnd || <u64>text + textBound > <u64>textEnd) {
      store<u32>(NEED, <u32>min<u64>(max<u64>(bound, textBound), <u64>u32.MAX_VALUE))
      status = NEED_ROOM
      break
    }
    let map = text
    let reason: u32 = rowEnd > inEnd ? R_COLUMNS : 0
    let field = fields
    if (withText) text += mapBytes
    while (reason == 0 && field < fieldsEnd) {
      const prefix: usize = load<u32>(field, F_PREFIX)
      const prefixBytes: usize = load<u32>(field, F_PREFIX_BYTES)
      v128.store(dst, v128.load(prefix))
      if (prefixBytes > 16) {
        for (let i: usize = 16; i < prefixBytes; i += 16) v128.store(dst + i, v128.load(prefix + i))
      }
      dst += prefixBytes
      const start = dst
      const mark: usize = load<u32>(field, F_MARK)
      const flags: u32 = load<u8>(field, F_FLAGS)
      if (src >= rowEnd) {
        reason = R_COLUMNS
        break
      }
      const first: u32 = load<u8>(src)
      if (first == 0xfb) {
        src += 1
        if (!(flags & NULLABLE)) {
          reason = R_NULL
          break
        }
        if (withText) store<u8>(map++, 0x31)
        store<u32>(dst, 0x6c6c756e)
        dst += 4
        if (mark) {
          store<u32>(marks + mark, <u32>(dst - outBase))
          store<u32>(marks + mark + 4, <u32>(dst - outBase))
        }
      } else {
        let bytes: usize = first
        src += 1
        if (first == 0xfc) {
          bytes = load<u16>(src)
          src += 2
        } else if (first == 0xfd) {
          bytes = load<u32>(src) & 0xffffff
          src += 3
        } else if (first == 0xfe) {
          bytes = load<u32>(src)
          src += 8
        }
        // Not the sum, which may wrap.
        if (src > rowEnd || bytes > rowEnd - src) {
          reason = R_COLUMNS
          break
        }
        const end = src + bytes
        if (withText) {
          if (flags & NULLABLE) store<u8>(map++, 0x30)
          store<u64>(text, separator)
          text = copySpan(src, end, text + SEPARATOR_BYTES)
        }
        switch (<u32>load<u8>(field, F_KIND)) {
          case INT:
          case FLOAT:
          case BOOLEAN: {
            dst = copySpan(src, end, dst)
            break
          }
          case DIGITS: {
            store<u8>(dst, 0x22)
            dst = copySpan(src, end, dst + 1)
            store<u8>(dst, 0x22)
            dst += 1
            break
          }
          case TIMESTAMP: {
            store<u8>(dst, 0x22)
            dst = copySpan(src, end, dst + 1)
            if (bytes > 10 && load<u8>(start + 11) == 0x20) store<u8>(start + 11, 0x54)
            store<u8>(dst, 0x22)
            dst += 1
            break
          }
          case BYTES: {
            store<u8>(dst, 0x22)
            dst = bytesToBase64(src, bytes, dst + 1)
            store<u8>(dst, 0x22)
            dst += 1
            break
          }
          case JSONB: {
            store<u8>(dst, 0x5b)
            dst = copySpan(src, end, dst + 1)
            store<u8>(dst, 0x5d)
            dst += 1
            break
          }
          case TEXT: {
            store<u8>(dst, 0x22)
            dst = rawToJson(src, end, dst + 1)
            store<u8>(dst, 0x22)
            dst += 1
            break
          }
          default:
            unreachable()
        }
        src = end
        if (mark) {
          store<u32>(marks + mark, <u32>(start - outBase))
          store<u32>(marks + mark + 4, <u32>(dst - outBase))
        }
      }
      if (flags & LAST_OF_KEY) store<u32>(marks + 4, <u32>(dst - outBase))
      field += FIELD_BYTES
    }
    if (reason == 0 && withVerdict) {
      if (src >= rowEnd) reason = R_COLUMNS
      else if (load<u16>(src) != 0x3101) reason = R_INEXACT
      src += 2
    }
    if (reason == 0 && src != rowEnd) reason = R_COLUMNS
    if (reason) {
      store<u32>(BAD_FIELD, <u32>((field - fields) / FIELD_BYTES))
      store<u32>(BAD_REASON, reason)
      status = BAD
      break
    }
    store<u16>(dst, 0x0a7d)
    dst += 2
    store<u32>(marks, <u32>(dst - outBase))
    if (withText) store<u32>(textEnds + (<usize>rows << 2), <u32>(text - textBase))
    marks += markBytes
    rows += 1
    row = rowEnd
  }
  store<u32>(IN_POS, <u32>row)
  // A row that was begun and is bad stays unwritten: the positions only ever follow whole rows.
  if (status != BAD) {
    store<u32>(OUT_POS, <u32>dst)
    store<u32>(TEXT_POS, <u32>text)
  }
  store<u32>(ROWS, rows)
  return status
}
