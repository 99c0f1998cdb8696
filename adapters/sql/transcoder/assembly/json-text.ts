import { Cursor } from './cursor'

// @ts-ignore: decorator
@inline
export function hexDigit(nibble: u32): u32 {
  return nibble + (nibble < 10 ? 0x30 : 0x57)
}

/** `\u00xx`, or the short escape that JSON has. */
export function writeControl(dst: usize, c: u32): usize {
  let short: u32 = 0
  if (c == 8) short = 0x62
  else if (c == 9) short = 0x74
  else if (c == 10) short = 0x6e
  else if (c == 12) short = 0x66
  else if (c == 13) short = 0x72
  if (short) {
    store<u16>(dst, 0x5c | (short << 8))
    return dst + 2
  }
  store<u32>(dst, 0x3030755c) // \u00
  store<u8>(dst + 4, hexDigit(c >> 4))
  store<u8>(dst + 5, hexDigit(c & 15))
  return dst + 6
}

/**
 * COPY text of a value up to its tab or newline, as the inside of a JSON string. COPY's escapes are JSON's own, but for `\v`.
 * Returns the end written; `Cursor.src` is left at the terminator, or at an escape that COPY TO never writes.
 */
export function copyToJson(src: usize, dst: usize): usize {
  while (true) {
    const v = v128.load(src)
    v128.store(dst, v)
    const mask: u32 = i8x16.bitmask(v128.or(v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x22))), i8x16.eq(v, i8x16.splat(0x5c))))
    if (mask == 0) {
      src += 16
      dst += 16
      continue
    }
    const n: usize = ctz(mask)
    src += n
    dst += n
    const c: u32 = load<u8>(src)
    if (c == 0x22) {
      store<u16>(dst, 0x225c)
      dst += 2
      src += 1
    } else if (c == 0x5c) {
      const e: u32 = load<u8>(src + 1)
      if (e == 0x5c || e == 0x6e || e == 0x74 || e == 0x72 || e == 0x62 || e == 0x66) {
        store<u16>(dst, 0x5c | (e << 8))
        dst += 2
      } else if (e == 0x76) {
        dst = writeControl(dst, 11)
      } else break
      src += 2
    } else if (c == 9 || c == 10) {
      break
    } else {
      dst = writeControl(dst, c)
      src += 1
    }
  }
  Cursor.src = src
  return dst
}

/** Plain bytes as the inside of a JSON string. */
export function rawToJson(src: usize, end: usize, dst: usize): usize {
  while (src < end) {
    const v = v128.load(src)
    v128.store(dst, v)
    const mask: u32 = i8x16.bitmask(v128.or(v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x22))), i8x16.eq(v, i8x16.splat(0x5c))))
    const n: usize = min<usize>(mask ? <usize>ctz(mask) : 16, end - src)
    src += n
    dst += n
    if (src >= end) break
    if (mask == 0) continue
    const c: u32 = load<u8>(src)
    src += 1
    if (c == 0x22 || c == 0x5c) {
      store<u16>(dst, 0x5c | (c << 8))
      dst += 2
    } else {
      dst = writeControl(dst, c)
    }
  }
  return dst
}
