import type { KeyText } from '../contracts/key-range.ts'
import { keyTextOf, parseKeyText } from '../record/index.ts'

/**
 * The key as other kinds of columns write it: an integer that is a number here is text where the column is a `bigint`. A record that was erased after its key column was made wider is the same record in older
 * snapshots.
 */
export function keySpellings(key: KeyText): readonly KeyText[] {
  let spellings: string[][] = [[]]
  for (const token of parseKeyText(key)) {
    const tokens = NUMBER.test(token) ? [token, `"${token}"`] : DIGITS.test(token) ? [token, token.slice(1, -1)] : [token]
    spellings = spellings.flatMap((head) => tokens.map((each) => [...head, each]))
  }
  return spellings.map(keyTextOf)
}

const NUMBER = /^(?:0|-?[1-9][0-9]*)$/
const DIGITS = /^"(?:0|-?[1-9][0-9]*)"$/
