import { QUOTE, stringEnd } from './json-depth.ts'

const COMMA = 0x2c

/** Where the elements of a JSON array lie whose brackets are around `start` and `end`; of a well-formed one. */
export function* jsonElements(bytes: Uint8Array, start: number, end: number): Generator<readonly [start: number, end: number], void, undefined> {
  let depth = 0
  let from = start
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) at = stringEnd(bytes, at)
    else if (byte === 0x5b || byte === 0x7b) depth++
    else if (byte === 0x5d || byte === 0x7d) depth--
    else if (byte === COMMA && depth === 0) {
      yield [from, at]
      from = at + 1
    }
  }
  if (end > start) yield [from, end]
}
