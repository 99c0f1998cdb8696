/** Values of 24 hex digits, in the low nibbles: the first 16 in `a`, digits 8 to 23 in `b`. */

// @ts-ignore: decorator
@inline
function nibbles(v: v128): v128 {
  // '0'-'9' have their value in the low nibble; letters ('a' = 0x61) are 9 above it.
  const letter = v128.and(i8x16.gt_u(v, i8x16.splat(0x39)), i8x16.splat(9))
  return i8x16.add(v128.and(v, i8x16.splat(15)), letter)
}

// @ts-ignore: decorator
@inline
function isHex(v: v128): v128 {
  const digit = i8x16.lt_u(i8x16.sub(v, i8x16.splat(0x30)), i8x16.splat(10))
  const letter = i8x16.lt_u(i8x16.sub(v, i8x16.splat(0x61)), i8x16.splat(6))
  return v128.or(digit, letter)
}

/** The base64 characters of four groups of three bytes, each in a 32-bit lane, its first byte highest. */
// @ts-ignore: decorator
@inline
function characters(groups: v128): v128 {
  const sextets = v128.or(
    v128.or(v128.and(i32x4.shr_u(groups, 18), i32x4.splat(0x3f)), v128.and(i32x4.shr_u(groups, 4), i32x4.splat(0x3f00))),
    v128.or(v128.and(i32x4.shl(groups, 10), i32x4.splat(0x3f0000)), v128.and(i32x4.shl(groups, 24), i32x4.splat(0x3f000000))),
  )
  // The distance from a sextet to its character depends on the class alone: a-z 0, digits 1..10, + 11, / 12, A-Z 13.
  const upper = v128.and(i8x16.lt_u(sextets, i8x16.splat(26)), i8x16.splat(13))
  const classes = v128.or(i8x16.sub_sat_u(sextets, i8x16.splat(51)), upper)
  return i8x16.add(sextets, i8x16.swizzle(i8x16(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0), classes))
}

// @ts-ignore: decorator
@inline
function encodeBlock(a: v128, b: v128): v128 {
  // Pairs of nibbles to bytes: the first digit of a pair is the low byte of a 16-bit lane.
  const x = nibbles(a)
  const y = nibbles(b)
  const byteMask = i16x8.splat(0xff)
  const xs = v128.and(v128.or(i16x8.shl(x, 4), i16x8.shr_u(x, 8)), byteMask)
  const ys = v128.and(v128.or(i16x8.shl(y, 4), i16x8.shr_u(y, 8)), byteMask)
  const bytes = i8x16.narrow_i16x8_u(xs, ys) // bytes 0..7, then 4..11
  return characters(i8x16.swizzle(bytes, i8x16(2, 1, 0, -1, 5, 4, 3, -1, 12, 7, 6, -1, 15, 14, 13, -1)))
}

/** Writes the padding over the last group, of so many bytes in all. */
// @ts-ignore: decorator
@inline
function pad(dst: usize, bytes: usize): void {
  const over = bytes % 3
  if (over == 1) store<u16>(dst - 2, 0x3d3d)
  else if (over == 2) store<u8>(dst - 1, 0x3d)
}

/** Bytes to padded base64. Returns the end written. Reads and writes up to 16 bytes past the ends. */
export function bytesToBase64(src: usize, bytes: usize, dst: usize): usize {
  const order = i8x16(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1)
  let left = bytes
  while (left >= 12) {
    v128.store(dst, characters(i8x16.swizzle(v128.load(src), order)))
    src += 12
    dst += 16
    left -= 12
  }
  if (left) {
    const ramp = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    const rest = v128.and(v128.load(src), i8x16.lt_u(ramp, i8x16.splat(<i8>left)))
    v128.store(dst, characters(i8x16.swizzle(rest, order)))
    dst += ((left + 2) / 3) << 2
    pad(dst, left)
  }
  return dst
}

/** Hex digits to padded base64. Returns the end written, or 0 when they are not pairs of lower-case hex digits. Reads and writes up to 24 bytes past the ends. */
export function hexToBase64(src: usize, digits: usize, dst: usize): usize {
  if (digits & 1) return 0
  let ok = i8x16.splat(-1)
  let left = digits
  while (left >= 24) {
    const a = v128.load(src)
    const b = v128.load(src, 8)
    ok = v128.and(ok, v128.and(isHex(a), isHex(b)))
    v128.store(dst, encodeBlock(a, b))
    src += 24
    dst += 16
    left -= 24
  }
  if (left) {
    const zeros = i8x16.splat(0x30)
    const ramp = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    const count = i8x16.splat(<i8>left)
    const a = v128.bitselect(v128.load(src), zeros, i8x16.lt_u(ramp, count))
    const b = v128.bitselect(v128.load(src, 8), zeros, i8x16.lt_u(i8x16.add(ramp, i8x16.splat(8)), count))
    ok = v128.and(ok, v128.and(isHex(a), isHex(b)))
    v128.store(dst, encodeBlock(a, b))
    const bytes = left >> 1
    dst += ((bytes + 2) / 3) << 2
    pad(dst, bytes)
  }
  return i8x16.all_true(ok) ? dst : 0
}

/** Value of a base64 character, or 64. */
function sextet(c: u32): u32 {
  if (c - 0x41 < 26) return c - 0x41
  if (c - 0x61 < 26) return c - 0x61 + 26
  if (c - 0x30 < 10) return c - 0x30 + 52
  if (c == 0x2b) return 62
  if (c == 0x2f) return 63
  return 64
}

/** The hex digits of the low nibbles of 16 bytes. */
// @ts-ignore: decorator
@inline
function hexDigits(v: v128): v128 {
  return i8x16.swizzle(i8x16(0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66), v)
}

/**
 * Padded base64 to hex digits. Returns the end written, or 0 when the text is not the one canonical base64 of its bytes.
 * Reads and writes up to 16 bytes past the ends.
 */
export function base64ToHex(src: usize, length: usize, dst: usize): usize {
  if (length & 3) return 0
  if (length == 0) return dst
  const lastGroup = src + length - 4
  let ok = i8x16.splat(-1)
  // The last group of four may hold padding and is left to the end; blocks of 16 characters go while all of it is before that.
  while (src + 16 <= lastGroup) {
    const v = v128.load(src)
    const upper = i8x16.lt_u(i8x16.sub(v, i8x16.splat(0x41)), i8x16.splat(26))
    const lower = i8x16.lt_u(i8x16.sub(v, i8x16.splat(0x61)), i8x16.splat(26))
    const digit = i8x16.lt_u(i8x16.sub(v, i8x16.splat(0x30)), i8x16.splat(10))
    const plus = i8x16.eq(v, i8x16.splat(0x2b))
    const slash = i8x16.eq(v, i8x16.splat(0x2f))
    ok = v128.and(ok, v128.or(v128.or(upper, lower), v128.or(digit, v128.or(plus, slash))))
    const shift = v128.or(
      v128.or(v128.and(upper, i8x16.splat(-65)), v128.and(lower, i8x16.splat(-71))),
      v128.or(v128.and(digit, i8x16.splat(4)), v128.or(v128.and(plus, i8x16.splat(19)), v128.and(slash, i8x16.splat(16)))),
    )
    const s = i8x16.add(v, shift) // sextets s0 s1 s2 s3 of each 32-bit lane, s0 lowest
    const groups = v128.or(
      v128.or(i32x4.shl(v128.and(s, i32x4.splat(0x3f)), 18), i32x4.shl(v128.and(s, i32x4.splat(0x3f00)), 4)),
      v128.or(i32x4.shr_u(v128.and(s, i32x4.splat(0x3f0000)), 10), i32x4.shr_u(s, 24)),
    )
    const bytes = i8x16.swizzle(groups, i8x16(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1))
    const high = hexDigits(i8x16.shr_u(bytes, 4))
    const low = hexDigits(v128.and(bytes, i8x16.splat(15)))
    v128.store(dst, i8x16.shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
    v128.store(dst, i8x16.shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16)
    src += 16
    dst += 24
  }
  if (!i8x16.all_true(ok)) return 0
  while (src <= lastGroup) {
    const c2: u32 = load<u8>(src, 2)
    const c3: u32 = load<u8>(src, 3)
    const pad: u32 = src == lastGroup && c3 == 0x3d ? (c2 == 0x3d ? 2 : 1) : 0
    const s0 = sextet(load<u8>(src))
    const s1 = sextet(load<u8>(src, 1))
    const s2 = pad == 2 ? 0 : sextet(c2)
    const s3 = pad ? 0 : sextet(c3)
    if ((s0 | s1 | s2 | s3) & 64) return 0
    const group = (s0 << 18) | (s1 << 12) | (s2 << 6) | s3
    if (pad == 2 ? group & 0xffff : pad == 1 ? group & 0xff : 0) return 0
    const count: u32 = 3 - pad
    for (let i: u32 = 0; i < count; i++) {
      const byte = (group >> (16 - 8 * i)) & 0xff
      store<u8>(dst, byte >> 4 < 10 ? 0x30 + (byte >> 4) : 0x57 + (byte >> 4))
      store<u8>(dst + 1, (byte & 15) < 10 ? 0x30 + (byte & 15) : 0x57 + (byte & 15))
      dst += 2
    }
    src += 4
  }
  return dst
}
