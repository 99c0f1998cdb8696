import { BOOLEAN, BYTES, DIGITS, FLOAT, INT, JSONB, TIMESTAMP } from './control'
import { Cursor } from './cursor'
import { base64ToHex } from './base64'
import { controlEscape, copySpan, integerEnd, isSpecialFloat, numberEnd, plainEnd, wrappedEnd } from './json-values'

/** One byte of a quoted array element, as COPY text: quotes and backslashes are escaped for the array, then backslashes doubled for COPY. */
function quotedByte(dst: usize, c: u32): usize {
  if (c == 0x5c) {
    store<u32>(dst, 0x5c5c5c5c)
    return dst + 4
  }
  if (c == 0x22) {
    store<u32>(dst, 0x225c5c)
    return dst + 3
  }
  let escape: u32 = 0
  if (c == 10) escape = 0x6e
  else if (c == 9) escape = 0x74
  else if (c == 13) escape = 0x72
  if (escape) {
    store<u16>(dst, 0x5c | (escape << 8))
    return dst + 2
  }
  store<u8>(dst, c)
  return dst + 1
}

/** The inside of a JSON string as the inside of a quoted element. `src` is behind the opening quote. */
function stringToElement(src: usize, dst: usize, kind: u32): usize {
  let separator = kind == TIMESTAMP
  while (true) {
    let c: u32 = load<u8>(src)
    if (c == 0x22) break
    if (c < 0x20) return 0
    if (c == 0x5c) {
      const e: u32 = load<u8>(src + 1)
      if (e == 0x22 || e == 0x5c) c = e
      else if (e == 0x6e) c = 10
      else if (e == 0x74) c = 9
      else if (e == 0x72) c = 13
      else if (e == 0x62) c = 8
      else if (e == 0x66) c = 12
      else {
        c = controlEscape(src)
        if (!c) return 0
        src += 4
      }
      src += 2
    } else {
      src += 1
      if (separator) {
        if (c == 0x20) return 0
        if (c == 0x54) {
          c = 0x20
          separator = false
        }
      }
    }
    dst = quotedByte(dst, c)
  }
  Cursor.src = src + 1
  return dst
}

/** One element other than NULL; 0 when it is not in the form of its kind. */
function element(kind: u32, src: usize, dst: usize): usize {
  const c: u32 = load<u8>(src)
  if (kind == INT || (kind == FLOAT && c != 0x22)) {
    const end = kind == INT ? integerEnd(src) : numberEnd(src)
    if (!end) return 0
    Cursor.src = end
    return copySpan(src, end, dst)
  }
  if (kind == BOOLEAN) {
    if (load<u32>(src) == 0x65757274) Cursor.src = src + 4
    else if (load<u32>(src) == 0x736c6166 && load<u8>(src, 4) == 0x65) Cursor.src = src + 5
    else return 0
    store<u8>(dst, c)
    return dst + 1
  }
  if (kind == JSONB) {
    if (c != 0x5b) return 0
    const end = wrappedEnd(src + 1)
    if (!end) return 0
    store<u8>(dst++, 0x22)
    for (let p = src + 1; p < end; p++) dst = quotedByte(dst, load<u8>(p))
    store<u8>(dst, 0x22)
    Cursor.src = end + 1
    return dst + 1
  }
  if (c != 0x22) return 0
  src += 1
  if (kind == DIGITS || kind == FLOAT) {
    const end = plainEnd(src)
    if (!end || end == src || (kind == FLOAT && !isSpecialFloat(src, end))) return 0
    Cursor.src = end + 1
    // An element is quoted here, so that nothing in it can be read as a bracket, delimiter or NULL.
    store<u8>(dst, 0x22)
    dst = copySpan(src, end, dst + 1)
    store<u8>(dst, 0x22)
    return dst + 1
  }
  store<u8>(dst++, 0x22)
  if (kind == BYTES) {
    const end = plainEnd(src)
    if (!end) return 0
    store<u32>(dst, 0x5c5c5c5c)
    store<u8>(dst, 0x78, 4)
    dst = base64ToHex(src, end - src, dst + 5)
    if (!dst) return 0
    Cursor.src = end + 1
  } else {
    dst = stringToElement(src, dst, kind)
    if (!dst) return 0
  }
  store<u8>(dst, 0x22)
  return dst + 1
}

/** A JSON array as COPY text of an array literal. `src` is at its `[`. Returns 0 when it is not canonical. */
export function decodeArray(src: usize, dst: usize, kind: u32, delimiter: u32): usize {
  if (load<u16>(src) == 0x5d5b) {
    Cursor.src = src + 2
    store<u16>(dst, 0x7d7b)
    return dst + 2
  }
  let depth: i32 = 0
  while (true) {
    // A value stands here: an inner array, NULL or an element.
    const c: u32 = load<u8>(src)
    if (c == 0x5b && (kind != JSONB || depth == 0)) {
      store<u8>(dst++, 0x7b)
      depth++
      src++
      continue
    }
    if (load<u32>(src) == 0x6c6c756e) {
      store<u32>(dst, 0x4c4c554e)
      dst += 4
      src += 4
    } else {
      dst = element(kind, src, dst)
      if (!dst) return 0
      src = Cursor.src
    }
    while (load<u8>(src) == 0x5d) {
      store<u8>(dst++, 0x7d)
      src++
      if (--depth == 0) {
        Cursor.src = src
        return dst
      }
    }
    if (load<u8>(src) != 0x2c) return 0
    store<u8>(dst++, delimiter)
    src++
  }
}
