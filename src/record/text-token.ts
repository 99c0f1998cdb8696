import { ValueError } from './value-error.ts'

/** Well-formed text. Only what JSON demands is escaped: U+2028 and all else stand as they are. */
export function encodeText(value: string): string {
  return JSON.stringify(value)
}

/** The exact inverse of `encodeText`, for the JSON string token between `start` and `end`, which the scanner has seen to be one. */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== 0x22) throw new ValueError('a string was expected')
  if (!hasEscape(bytes, start, end)) return bytes.toString('utf8', start + 1, end - 1)
  const token = bytes.toString('utf8', start, end)
  const text = JSON.parse(token) as string
  if (JSON.stringify(text) !== token) throw new ValueError('a string is escaped where it need not be, or in another spelling')
  // A \ud800 escape is JSON, but it is no text that a database could have held.
  if (LONE_SURROGATE.test(text)) throw new ValueError('a lone surrogate')
  return text
}

/** Never looks past `end`: a search of the whole buffer for every value in it would take quadratic time. */
function hasEscape(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 64) return bytes.subarray(start, end).includes(0x5c)
  for (let at = start; at < end; at++) if (bytes[at] === 0x5c) return true
  return false
}

const LONE_SURROGATE = /\p{Surrogate}/u
