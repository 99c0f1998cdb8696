import type { KeyText } from '../contracts/key-range.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { JsonScanError, scanString, scanValue } from './json-scan.ts'

/** The key text of the values of the key fields, each given as its JSON token in record encoding, in key order. */
export function keyTextOf(tokens: readonly string[]): KeyText {
  return `[${tokens.join(',')}]`
}

/** Whether two key texts name the same record: equal keys have equal text. Says nothing of order, which is the database's. */
export function sameKey(a: KeyText | null, b: KeyText | null): boolean {
  return a === b
}

/**
 * The JSON tokens of the key fields. Strict: canonical form only (no white space, nothing before or after), and exactly `count` values when it is given.
 * Tokens rather than values, because the number token `9007199254740993` or `1.0` says more than a JavaScript number can.
 *
 * @throws HoldfastError `E_RECORD`
 */
export function parseKeyText(text: KeyText, count?: number): readonly string[] {
  const bytes = Buffer.from(text, 'utf8')
  const tokens: string[] = []
  try {
    if (bytes[0] !== 0x5b) throw new JsonScanError(0, 'not an array')
    let at = 0
    do {
      const start = at + 1
      at = scanValue(bytes, start, bytes.length)
      tokens.push(bytes.toString('utf8', start, at))
    } while (bytes[at] === 0x2c)
    if (bytes[at] !== 0x5d || at + 1 !== bytes.length) throw new JsonScanError(at, 'the end of the array was expected')
    if (bytes.toString('utf8') !== text) throw new JsonScanError(0, 'a lone surrogate')
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error
    throw new HoldfastError('E_RECORD', `not a key text (at byte ${error.offset}: ${error.message})`, { cause: error })
  }
  if (count !== undefined && tokens.length !== count) {
    throw new HoldfastError('E_RECORD', `a key text of ${count} values was expected, this one has ${tokens.length}`)
  }
  return tokens
}

/** Reads the key text of the line that starts at `start`, given the offset just past its last key value (`keyEnd` of the batch's marks). */
export type KeyTextReader = (bytes: Uint8Array, start: number, keyEnd: number) => KeyText

/**
 * A reader for entities of `keyFields` key fields, which come first in every line. One key field is a slice; more are found by
 * stepping over the names and values between.
 */
export function createKeyTextReader(keyFields: number): KeyTextReader {
  return (bytes, start, keyEnd) => {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let text = '['
    let at = start
    try {
      for (let field = 0; field < keyFields; field++) {
        if (view[at] !== (field === 0 ? 0x7b : 0x2c)) throw new JsonScanError(at, field === 0 ? 'not an object' : 'a comma was expected')
        const nameEnd = scanString(view, at + 1, keyEnd)
        if (view[nameEnd] !== 0x3a) throw new JsonScanError(nameEnd, 'a colon was expected')
        at = keyFields === 1 ? keyEnd : scanValue(view, nameEnd + 1, keyEnd)
        text += (field === 0 ? '' : ',') + view.toString('utf8', nameEnd + 1, at)
      }
      if (at !== keyEnd) throw new JsonScanError(at, 'the key ends elsewhere than its mark says')
    } catch (error) {
      if (!(error instanceof JsonScanError)) throw error
      throw new HoldfastError('E_RECORD', `a line does not start with its ${keyFields} key fields (${error.message})`, { cause: error })
    }
    return text + ']'
  }
}
