import type { MaskContext } from '../contracts/masker.ts'
import { permute } from './permutation.ts'

/** Characters of one class stay of that class: first and last code point. */
const CLASSES: readonly (readonly [number, number])[] = [
  [0x30, 0x39], // 0-9
  [0x41, 0x5a], // A-Z
  [0x61, 0x7a], // a-z
  [0xc0, 0xd6], // À-Ö
  [0xd8, 0xf6], // Ø-ö
  [0xf8, 0x17f], // ø-ſ
  [0x391, 0x3a1], // Α-Ρ
  [0x3b1, 0x3c9], // α-ω
  [0x410, 0x42f], // А-Я
  [0x430, 0x44f], // а-я
  [0x5d0, 0x5ea], // א-ת
  [0x3041, 0x3096], // hiragana
  [0x30a1, 0x30fa], // katakana
  [0x4e00, 0x9fa5], // CJK
  [0xac00, 0xd7a3], // hangul
]
const HEX = [...'0123456789abcdef']
/** Characters permuted together. Longer text goes piece by piece, each under what stood before it. */
const PIECE = 64

/** Text of the same shape: digits stay digits, letters letters of their script and case, all else as it is. Null where a letter belongs to no class that is known here. */
export function fakeText(text: string, label: string, context: MaskContext, hex = false): string | null {
  const points = [...text]
  let made = ''
  for (let at = 0; at < points.length; at += PIECE) {
    const piece = fakePiece(
      points.slice(at, at + PIECE),
      at === 0 ? label : `${label}\n${context.digest(points.slice(0, at).join('')).toString('hex')}`,
      context,
      hex,
    )
    if (piece === null) return null
    made += piece
  }
  return made
}

function fakePiece(points: readonly string[], label: string, context: MaskContext, hex: boolean): string | null {
  const places: { readonly size: bigint; readonly from: number; readonly value: bigint }[] = []
  let shape = ''
  for (const point of points) {
    const code = point.codePointAt(0)!
    const digit = hex ? HEX.indexOf(point) : -1
    const found = digit >= 0 ? null : CLASSES.find(([first, last]) => code >= first && code <= last)
    if (digit >= 0) places.push({ size: 16n, from: -1, value: BigInt(digit) })
    else if (found) places.push({ size: BigInt(found[1] - found[0] + 1), from: found[0], value: BigInt(code - found[0]) })
    else if (/[\p{L}\p{N}\p{M}]/u.test(point)) return null
    shape += digit >= 0 ? 'h' : found ? String.fromCharCode(found[0]) : point
  }
  let size = 1n
  let value = 0n
  for (const place of places) {
    size *= place.size
    value = value * place.size + place.value
  }
  let left = permute(value, size, `${label}\n${shape}`, context)
  const made = places.toReversed().map((place) => {
    const at = Number(left % place.size)
    left /= place.size
    return place.from < 0 ? HEX[at]! : String.fromCodePoint(place.from + at)
  })
  // Only what has a class takes its turn from the end.
  return points.map((point) => (isFixed(point, hex) ? point : made.pop()!)).join('')
}

function isFixed(point: string, hex: boolean): boolean {
  const code = point.codePointAt(0)!
  return !(hex && HEX.includes(point)) && !CLASSES.some(([first, last]) => code >= first && code <= last)
}
