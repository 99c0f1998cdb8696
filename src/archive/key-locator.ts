import type { KeyText } from '../contracts/key-range.ts'
import { corrupt } from './archive-error.ts'
import { referenceHash } from './reference-bloom.ts'

const NEWLINE = 0x0a
const FILTER_BITS = 16

/**
 * Finds a few keys among many in one pass over the bytes: a key is made into text only when its hash is that of one that is wanted. `keys` are texts, each
 * ended by 0x0A.
 */
export function locateKeys(keys: Buffer, wanted: ReadonlySet<KeyText>, object: string): Map<KeyText, number> {
  const found = new Map<KeyText, number>()
  if (wanted.size === 0) return found
  const hashes = new Set<number>()
  const filter = new Uint8Array(1 << FILTER_BITS)
  for (const key of wanted) {
    const text = Buffer.from(key)
    const hash = referenceHash(text, 0, text.byteLength)
    hashes.add(hash)
    filter[hash >>> (32 - FILTER_BITS)] = 1
  }
  for (let row = 0, start = 0; start < keys.byteLength; row++) {
    let hash = 0x811c9dc5
    let end = start
    for (let byte = keys[end]!; byte !== NEWLINE; byte = keys[++end]!) hash = Math.imul(hash ^ byte, 0x01000193)
    hash >>>= 0
    if (filter[hash >>> (32 - FILTER_BITS)] === 1 && hashes.has(hash)) {
      const key = keys.toString('utf8', start, end)
      if (wanted.has(key)) {
        if (found.has(key)) throw corrupt(object, 'holds a key twice')
        found.set(key, row)
      }
    }
    start = end + 1
  }
  return found
}
