import { BOOLEAN, BYTES, DIGITS, FLOAT, INT, JSONB, TIMESTAMP } from './control'
import { Cursor } from './cursor'
import { hexToBase64 } from './base64'
import { copyToJson, rawToJson } from './json-text'

/** End of a COPY field: its tab or newline. */
function fieldEnd(src: usize): usize {
  while (true) {
    const v = v128.load(src)
    const mask: u32 = i8x16.bitmask(v128.or(i8x16.eq(v, i8x16.splat(9)), i8x16.eq(v, i8x16.splat(10))))
    if (mask) return src + ctz(mask)
    src += 16
  }
}

/** Takes COPY's escapes away, in place. Returns the new end, or 0 for an escape that COPY TO never writes. */
function unescapeCopy(src: usize, end: usize): usize {
  let dst = src
  while (src < end) {
    const c: u32 = load<u8>(src)
    if (c != 0x5c) {
      store<u8>(dst++, c)
      src++
      continue
    }
    const e: u32 = load<u8>(src + 1)
    let byte: u32 = 0
    if (e == 0x5c) byte = 0x5c
    else if (e == 0x6e) byte = 10
    else if (e == 0x74) byte = 9
    else if (e == 0x72) byte = 13
    else if (e == 0x62) byte = 8
    else if (e == 0x66) byte = 12
    else if (e == 0x76) byte = 11
    else return 0
    store<u8>(dst++, byte)
    src += 2
  }
  return dst
}

/** Writes up to 15 bytes more. */
function copySpan(src: usize, end: usize, dst: usize): usize {
  const length = end - src
  for (let i: usize = 0; i < length; i += 16) v128.store(dst + i, v128.load(src + i))
  return dst + length
}

/** One element, as plain bytes, in the form of its kind. Returns 0 for a value that is not of that kind. */
function element(kind: u32, src: usize, end: usize, dst: usize): usize {
  if (kind == INT) return copySpan(src, end, dst)
  if (kind == FLOAT) {
    const c: u32 = load<u8>(src)
    const second: u32 = load<u8>(src + 1)
    if (c != 0x4e && c != 0x49 && !(c == 0x2d && second == 0x49)) return copySpan(src, end, dst)
    kind = DIGITS
  }
  if (kind == BOOLEAN) {
    const c: u32 = load<u8>(src)
    if (end - src != 1 || (c != 0x74 && c != 0x66)) return 0
    store<u32>(dst, c == 0x74 ? 0x65757274 : 0x736c6166)
    store<u8>(dst + 4, 0x65)
    return dst + (c == 0x74 ? 4 : 5)
  }
  if (kind == JSONB) {
    store<u8>(dst, 0x5b)
    dst = copySpan(src, end, dst + 1)
    store<u8>(dst, 0x5d)
    return dst + 1
  }
  store<u8>(dst++, 0x22)
  if (kind == DIGITS) {
    dst = copySpan(src, end, dst)
  } else if (kind == BYTES) {
    if (end - src < 2 || load<u16>(src) != 0x785c) return 0
    dst = hexToBase64(src + 2, end - src - 2, dst)
    if (!dst) return 0
  } else {
    const start = dst
    dst = rawToJson(src, end, dst)
    if (kind == TIMESTAMP) {
      for (let p = start; p < dst; p++) {
        if (load<u8>(p) == 0x20) {
          store<u8>(p, 0x54)
          break
        }
      }
    }
  }
  store<u8>(dst, 0x22)
  return dst + 1
}

/**
 * An array literal as a JSON array. As a JSON string of the literal when it has bounds, and when it is a `jsonb` array of more than one
 * dimension, whose brackets could not be told from those that every `jsonb` value wears. Returns 0 when it is no array literal.
 * Destroys the input of this field.
 */
export function encodeArray(src: usize, dst: usize, kind: u32, delimiter: u32): usize {
  if (load<u8>(src) == 0x5b || (kind == JSONB && load<u8>(src + 1) == 0x7b)) {
    store<u8>(dst, 0x22)
    dst = copyToJson(src, dst + 1)
    store<u8>(dst, 0x22)
    return dst + 1
  }
  const stop = fieldEnd(src)
  Cursor.src = stop
  const terminator = load<u8>(stop)
  const end = unescapeCopy(src, stop)
  if (!end || load<u8>(src) != 0x7b) return 0
  let depth: i32 = 0
  while (src < end) {
    const c: u32 = load<u8>(src)
    if (c == 0x7b) {
      store<u8>(dst++, 0x5b)
      depth++
      src++
    } else if (c == 0x7d) {
      store<u8>(dst++, 0x5d)
      src++
      if (--depth == 0) break
    } else if (c == delimiter) {
      store<u8>(dst++, 0x2c)
      src++
    } else if (c == 0x22) {
      const start = src
      let write = src
      src++
      while (src < end) {
        let b: u32 = load<u8>(src++)
        if (b == 0x22) break
        if (b == 0x5c) b = load<u8>(src++)
        store<u8>(write++, b)
      }
      dst = element(kind, start, write, dst)
      if (!dst) return 0
    } else {
      const start = src
      while (src < end) {
        const b: u32 = load<u8>(src)
        if (b == delimiter || b == 0x7d) break
        src++
      }
      if (src - start == 4 && load<u32>(start) == 0x4c4c554e) {
        store<u32>(dst, 0x6c6c756e)
        dst += 4
      } else {
        dst = element(kind, start, src, dst)
        if (!dst) return 0
      }
    }
  }
  store<u8>(stop, terminator)
  return src == end && depth == 0 ? dst : 0
}
