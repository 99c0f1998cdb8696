/** Where and why a span of bytes is not JSON. The caller turns it into `E_RECORD` with entity and line. */
export class JsonScanError extends Error {
  readonly offset: number
  constructor(offset: number, reason: string) {
    super(reason)
    this.offset = offset
  }
}

/** Arrays and objects inside one value; deeper is refused, so that no consumer's recursion can be blown by a crafted archive. */
export const MAX_DEPTH = 512

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const BLANK = 0x20
const NULL = [...Buffer.from('null')]
const TRUE = [...Buffer.from('true')]
const FALSE = [...Buffer.from('false')]

/**
 * The offset just past the JSON value that starts at `start`. Strict RFC 8259 without any white space, the canonical form of a record; but inside of an array,
 * where a `jsonb` stands as PostgreSQL prints it, a blank may follow a comma or a colon.
 * Checks syntax only; whether the bytes are UTF-8 is checked once for a whole line, which is far cheaper.
 */
export function scanValue(bytes: Uint8Array, start: number, end: number, depth = 0): number {
  if (start >= end) throw new JsonScanError(end, 'a value was expected')
  switch (bytes[start]) {
    case QUOTE:
      return scanString(bytes, start, end)
    case 0x6e: // null
      return scanWord(bytes, start, end, NULL)
    case 0x74: // true
      return scanWord(bytes, start, end, TRUE)
    case 0x66: // false
      return scanWord(bytes, start, end, FALSE)
    case 0x5b:
      return scanArray(bytes, start, end, depth)
    case 0x7b:
      return scanObject(bytes, start, end, depth)
    default:
      return scanNumber(bytes, start, end)
  }
}

/** The offset just past the string that starts at `start`. */
export function scanString(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || bytes[start] !== QUOTE) throw new JsonScanError(start, 'a string was expected')
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) return at + 1
    if (byte < 0x20) throw new JsonScanError(at, 'an unescaped control character in a string')
    if (byte === BACKSLASH) at = scanEscape(bytes, at + 1, end)
  }
  throw new JsonScanError(end, 'the line ends inside a string')
}

function scanEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) throw new JsonScanError(end, 'the line ends inside a string')
  switch (bytes[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at
    case 0x75: {
      // u
      if (at + 4 >= end) throw new JsonScanError(end, 'the line ends inside a string')
      for (let digit = at + 1; digit <= at + 4; digit++) if (!isHex(bytes[digit]!)) throw new JsonScanError(digit, 'a bad \\u escape')
      return at + 4
    }
    default:
      throw new JsonScanError(at, 'a bad escape')
  }
}

function scanWord(bytes: Uint8Array, start: number, end: number, word: readonly number[]): number {
  if (start + word.length > end) throw new JsonScanError(end, 'the line ends inside a value')
  for (let at = 1; at < word.length; at++) if (bytes[start + at] !== word[at]) throw new JsonScanError(start, 'not a JSON value')
  return start + word.length
}

function scanNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  if (at < end && bytes[at] === 0x2d) at++
  if (at < end && bytes[at] === 0x30) at++
  else at = scanDigits(bytes, at, end)
  if (at < end && bytes[at] === 0x2e) at = scanDigits(bytes, at + 1, end)
  if (at < end && (bytes[at] === 0x65 || bytes[at] === 0x45)) {
    at++
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++
    at = scanDigits(bytes, at, end)
  }
  return at
}

function scanDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
  if (at === start) throw new JsonScanError(start, start >= end ? 'the line ends inside a value' : 'not a JSON value')
  return at
}

function scanArray(bytes: Uint8Array, start: number, end: number, depth: number): number {
  if (depth >= MAX_DEPTH) throw new JsonScanError(start, `nested deeper than ${MAX_DEPTH}`)
  if (bytes[start + 1] === 0x5d && start + 1 < end) return start + 2
  let at = start
  for (;;) {
    at = scanValue(bytes, afterBlank(bytes, at + 1, end, depth), end, depth + 1)
    if (at < end && bytes[at] === 0x5d) return at + 1
    if (at >= end || bytes[at] !== COMMA) throw new JsonScanError(at, 'a comma or the end of the array was expected')
  }
}

function scanObject(bytes: Uint8Array, start: number, end: number, depth: number): number {
  if (depth >= MAX_DEPTH) throw new JsonScanError(start, `nested deeper than ${MAX_DEPTH}`)
  if (bytes[start + 1] === 0x7d && start + 1 < end) return start + 2
  let at = start
  for (;;) {
    at = scanString(bytes, afterBlank(bytes, at + 1, end, depth), end)
    if (at >= end || bytes[at] !== COLON) throw new JsonScanError(at, 'a colon was expected')
    at = scanValue(bytes, afterBlank(bytes, at + 1, end, depth), end, depth + 1)
    if (at < end && bytes[at] === 0x7d) return at + 1
    if (at >= end || bytes[at] !== COMMA) throw new JsonScanError(at, 'a comma or the end of the object was expected')
  }
}

/** `at`, or behind the one blank that may stand there: inside of another value, behind its comma or colon. */
function afterBlank(bytes: Uint8Array, at: number, end: number, depth: number): number {
  return depth > 0 && at < end && bytes[at] === BLANK && (bytes[at - 1] === COMMA || bytes[at - 1] === COLON) ? at + 1 : at
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46)
}
