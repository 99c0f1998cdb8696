import { ValueError } from './value-error.ts'

/** Does the integer survive as a JavaScript number, so that every JSON reader gets it right? */
export function isPlainInteger(value: bigint): boolean {
  return Number.isSafeInteger(Number(value))
}

/** A 64-bit integer: a number token, or a string of digits outside ±(2^53 − 1). */
export function encodeInteger(value: bigint): string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? `${number}` : `"${value}"`
}

/** The exact inverse of `encodeInteger`: refuses any other spelling, and integers of more than 64 bits. */
export function decodeInteger(token: string): bigint {
  const quoted = token.startsWith('"')
  const digits = quoted ? token.slice(1, -1) : token
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(digits)) throw new ValueError('an integer was expected')
  const value = BigInt(digits)
  if (BigInt.asIntN(64, value) !== value) throw new ValueError('an integer of more than 64 bits')
  if (isPlainInteger(value) === quoted) throw new ValueError(quoted ? 'a small integer must be a number' : 'an integer outside ±(2^53 − 1) must be a string')
  return value
}
