const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Spans of the key values in a record line, `[start, end, start, end, …]`. `line` is where the line begins, `keyEnd` is just past the last key
 * value; in between stand the key fields only, `{"a":1,"b":"x"`, without white space.
 */
export function keySpans(bytes: Uint8Array, line: number, keyEnd: number): number[] {
  const spans: number[] = []
  let at = line + 1
  while (at < keyEnd) {
    const start = skipString(bytes, at, keyEnd) + 1 // the colon
    const end = skipValue(bytes, start, keyEnd)
    spans.push(start, end)
    at = end + 1 // the comma
  }
  return spans
}

/** Just past the string that begins at `at`. */
function skipString(bytes: Uint8Array, at: number, limit: number): number {
  let next = at + 1
  while (next < limit && bytes[next] !== QUOTE) next += bytes[next] === BACKSLASH ? 2 : 1
  return next + 1
}

function skipValue(bytes: Uint8Array, at: number, limit: number): number {
  let depth = 0
  let next = at
  while (next < limit) {
    const byte = bytes[next]!
    if (byte === QUOTE) {
      next = skipString(bytes, next, limit)
      continue
    }
    if (byte === COMMA && depth === 0) return next
    if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth++
    if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--
    next++
  }
  return limit
}
