import { Cursor } from './cursor'

// Readers of canonical JSON values. Each returns the end of what it wrote, or 0 when the value is not canonical; `Cursor.src` is left behind
// the value. A line ends in a newline, which no value may hold, so no scan leaves its line.

/** `-?(0|[1-9][0-9]*)`; returns its end, or 0. */
export function integerEnd(src: usize): usize {
  if (load<u8>(src) == 0x2d) src++
  const first: u32 = load<u8>(src)
  if (first - 0x30 > 9) return 0
  src++
  if (first == 0x30) return src
  while (<u32>load<u8>(src) - 0x30 <= 9) src++
  return src
}

/** A JSON number; returns its end, or 0. */
export function numberEnd(src: usize): usize {
  src = integerEnd(src)
  if (!src) return 0
  if (load<u8>(src) == 0x2e) {
    src++
    const start = src
    while (<u32>load<u8>(src) - 0x30 <= 9) src++
    if (src == start) return 0
  }
  const e: u32 = load<u8>(src)
  if (e == 0x65 || e == 0x45) {
    src++
    const sign: u32 = load<u8>(src)
    if (sign == 0x2b || sign == 0x2d) src++
    const start = src
    while (<u32>load<u8>(src) - 0x30 <= 9) src++
    if (src == start) return 0
  }
  return src
}

/** The end of a string that holds no escapes (at its closing quote), or 0. `src` is behind the opening quote. */
export function plainEnd(src: usize): usize {
  while (true) {
    const v = v128.load(src)
    const mask: u32 = i8x16.bitmask(v128.or(v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x22))), i8x16.eq(v, i8x16.splat(0x5c))))
    if (mask) {
      src += ctz(mask)
      return load<u8>(src) == 0x22 ? src : 0
    }
    src += 16
  }
}

/** "NaN", "Infinity" or "-Infinity", between its quotes. */
export function isSpecialFloat(src: usize, end: usize): bool {
  const length = end - src
  if (length == 3) return load<u16>(src) == 0x614e && load<u8>(src, 2) == 0x4e
  if (length == 9 && load<u8>(src) == 0x2d) src++
  else if (length != 8) return false
  return load<u64>(src) == 0x7974696e69666e49
}

export function copySpan(src: usize, end: usize, dst: usize): usize {
  const length = end - src
  for (let i: usize = 0; i < length; i += 16) v128.store(dst + i, v128.load(src + i))
  return dst + length
}

/** The byte that a `\u00xx` stands for, when it is one that has no shorter form; else 0. `src` is at the backslash. */
export function controlEscape(src: usize): u32 {
  if (load<u32>(src + 1) != 0x30303075 && load<u32>(src + 1) != 0x31303075) return 0 // u000 or u001
  const c: u32 = load<u8>(src + 5)
  let low: u32 = 0
  if (c - 0x30 <= 9) low = c - 0x30
  else if (c - 0x61 <= 5) low = c - 0x57
  else return 0
  const byte = ((<u32>load<u8>(src + 4) - 0x30) << 4) | low
  return byte == 8 || byte == 9 || byte == 10 || byte == 12 || byte == 13 ? 0 : byte
}

/** The inside of a JSON string as COPY text. `src` is behind the opening quote. */
export function stringToCopy(src: usize, dst: usize): usize {
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
      Cursor.src = src + 1
      return dst
    }
    if (c != 0x5c) return 0
    const e: u32 = load<u8>(src + 1)
    if (e == 0x22) {
      store<u8>(dst++, 0x22)
      src += 2
    } else if (e == 0x5c || e == 0x6e || e == 0x74 || e == 0x72 || e == 0x62 || e == 0x66) {
      store<u16>(dst, 0x5c | (e << 8))
      dst += 2
      src += 2
    } else {
      const byte = controlEscape(src)
      if (!byte) return 0
      if (byte == 11) {
        store<u16>(dst, 0x765c)
        dst += 2
      } else store<u8>(dst++, byte)
      src += 6
    }
  }
}

/**
 * End of the one JSON value that stands between `src` and the `]` that closes its wrapper, or 0. The database checks the value itself; here
 * its end must be found, and that it is one.
 */
export function wrappedEnd(src: usize): usize {
  const start = src
  let depth: i32 = 0
  while (true) {
    const v = v128.load(src)
    // Everything of interest: " \ [ ] { } , and controls. `[`/`{` and `]`/`}` differ in one bit.
    const folded = v128.or(v, i8x16.splat(0x20))
    let mask: u32 = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x22))),
        v128.or(v128.or(i8x16.eq(folded, i8x16.splat(0x7b)), i8x16.eq(folded, i8x16.splat(0x7d))), i8x16.eq(v, i8x16.splat(0x2c))),
      ),
    )
    let next = src + 16
    while (mask) {
      const at = src + ctz(mask)
      mask &= mask - 1
      const c: u32 = load<u8>(at)
      if (c == 0x22) {
        next = skipString(at + 1)
        if (!next) return 0
        break
      }
      if (c == 0x5b || c == 0x7b) depth++
      else if (c == 0x2c) {
        if (depth == 0) return 0
      } else if (c == 0x7d) {
        if (--depth < 0) return 0
      } else if (c == 0x5d) {
        if (--depth < 0) return at == start ? 0 : at
      } else return 0
    }
    src = next
  }
  return 0
}

/** Behind the closing quote of a string; 0 when the line ends before. */
function skipString(src: usize): usize {
  while (true) {
    const v = v128.load(src)
    const mask: u32 = i8x16.bitmask(v128.or(v128.or(i8x16.lt_u(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x22))), i8x16.eq(v, i8x16.splat(0x5c))))
    if (mask == 0) {
      src += 16
      continue
    }
    src += ctz(mask)
    const c: u32 = load<u8>(src)
    if (c == 0x22) return src + 1
    if (c != 0x5c || load<u8>(src + 1) < 0x20) return 0
    src += 2
  }
}

/** Copies and doubles the backslashes: `jsonb` text as COPY text. */
export function doubleBackslashes(src: usize, end: usize, dst: usize): usize {
  while (src < end) {
    const v = v128.load(src)
    v128.store(dst, v)
    const mask: u32 = i8x16.bitmask(i8x16.eq(v, i8x16.splat(0x5c)))
    const n: usize = min<usize>(mask ? <usize>ctz(mask) : 16, end - src)
    src += n
    dst += n
    if (mask && src < end) {
      store<u16>(dst, 0x5c5c)
      dst += 2
      src += 1
    }
  }
  return dst
}
