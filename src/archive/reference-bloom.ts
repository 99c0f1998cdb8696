/**
 * A Bloom filter over the values of one reference field, so that "which chunks may hold orders of customer 7?" does not read every chunk.
 *
 * The filter is a row of blocks of 512 bits (16 words); a value sets 7 bits of one block, so that a chunk's worth of values costs one division and one
 * cache line each. The hash, part of the format: `h1` is FNV-1a (32 bits) of the JSON value's bytes in record encoding, `h2` is murmur3's 32-bit
 * finalizer of `h1`. The block is `h1 mod blocks`; bit `i` of it, from 0, is `(h2 + i·(h1 | 1) mod 2^32) >>> 23`. Ten bits a value give two or three
 * false "perhaps" in a hundred.
 */
export const BLOOM_HASHES = 7
export const BLOCK_WORDS = 16
const BLOCK_BITS = BLOCK_WORDS * 32
const BITS_PER_VALUE = 10
/** Leaves the top 9 bits: a number below 512. */
const BIT_SHIFT = 23

export function referenceHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash >>> 0
}

function mix(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** The filter's bits in words of 32, from the hashes of the values. */
export function buildBloom(hashes: Uint32Array): Uint32Array {
  const blocks = Math.max(1, Math.ceil((hashes.length * BITS_PER_VALUE) / BLOCK_BITS))
  const words = new Uint32Array(blocks * BLOCK_WORDS)
  let previous = -1
  for (const hash of hashes) {
    if (hash === previous) continue // runs of one value are the rule: lines of one order stand together
    previous = hash
    const block = (hash % blocks) * BLOCK_WORDS
    const step = hash | 1
    let position = mix(hash)
    for (let i = 0; i < BLOOM_HASHES; i++) {
      const bit = position >>> BIT_SHIFT
      words[block + (bit >>> 5)]! |= 1 << (bit & 31)
      position = (position + step) | 0
    }
  }
  return words
}

/** `words` holds whole blocks, at least one. */
export function bloomMayHold(words: Uint32Array, hashes: number, hash: number): boolean {
  const block = (hash % (words.length / BLOCK_WORDS)) * BLOCK_WORDS
  const step = hash | 1
  let position = mix(hash)
  for (let i = 0; i < hashes; i++) {
    const bit = position >>> BIT_SHIFT
    if ((words[block + (bit >>> 5)]! & (1 << (bit & 31))) === 0) return false
    position = (position + step) | 0
  }
  return true
}
