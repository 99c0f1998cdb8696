import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSegments, openSpan, plainLength, sealedLength, sealSegments, segmentSpan } from '../../src/crypto/index.ts'

const key = randomBytes(32)
const additional = randomBytes(32)
const SEGMENT = 64 * 1024
const SEALED = SEGMENT + 16
const SIZES = [0, 1, 15, 16, 17, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 3 * SEGMENT + 7]

/** The same bytes in pieces of any length, empty ones too. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => Math.min(place, bytes.byteLength)).toSorted((a, b) => a - b), bytes.byteLength]
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
}

const seal = (pieces: readonly Uint8Array[]): Buffer => Buffer.concat(sealSegments(key, additional, pieces))

describe('sealed segments', () => {
  it.each(SIZES)('give back %i bytes, and are as long as they should be', (size) => {
    const plain = randomBytes(size)
    const sealed = seal([plain])
    expect(sealed.byteLength).toBe(sealedLength(size))
    expect(plainLength(sealed.byteLength)).toBe(size)
    expect(openSegments(key, additional, sealed)?.equals(plain)).toBe(true)
  })

  it('are the same bytes however the plain ones come in pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), fc.array(fc.nat(200_000), { maxLength: 8 }), (size, at) => {
        const plain = Buffer.alloc(size, 7)
        expect(seal(cut(plain, at)).equals(seal([plain]))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('of a length that nothing has are told', () => {
    for (const size of [0, 1, 15, SEALED + 1, SEALED + 15]) expect(plainLength(size)).toBeNull()
  })

  it('do not open when a bit, the key or what they are bound to is another', () => {
    const sealed = seal([randomBytes(SEGMENT + 100)])
    for (const at of [0, 100, SEGMENT - 1, SEGMENT, SEALED - 1, SEALED, sealed.byteLength - 1]) {
      const flipped = Buffer.from(sealed)
      flipped[at]! ^= 1
      expect(openSegments(key, additional, flipped)).toBeNull()
    }
    expect(openSegments(randomBytes(32), additional, sealed)).toBeNull()
    expect(openSegments(key, randomBytes(32), sealed)).toBeNull()
  })

  it('case 09, 11: do not open when they are cut off, doubled, left out or exchanged', () => {
    const sealed = seal([randomBytes(3 * SEGMENT)])
    const [a, b, c] = [0, 1, 2].map((n) => sealed.subarray(n * SEALED, (n + 1) * SEALED)) as [Buffer, Buffer, Buffer]
    for (const parts of [[], [a], [a, b], [b, c], [a, c], [a, b, b, c], [b, a, c], [a, b, c, c], [a, b, c.subarray(0, 100)]]) {
      expect(openSegments(key, additional, Buffer.concat(parts)), String(parts.length)).toBeNull()
    }
    expect(openSegments(key, additional, Buffer.concat([sealed, Buffer.of(0)]))).toBeNull()
  })

  it('open in the middle, and nowhere else than where they stand', () => {
    const plain = randomBytes(4 * SEGMENT + 99)
    const sealed = seal([plain])
    for (const [start, end] of [
      [0, 1],
      [SEGMENT - 1, SEGMENT + 1],
      [SEGMENT, 2 * SEGMENT],
      [2 * SEGMENT + 5, plain.byteLength],
      [4 * SEGMENT, plain.byteLength],
      [0, plain.byteLength],
    ] as const) {
      const { first, from, to, skip } = segmentSpan(start, end)
      const read = sealed.subarray(from, to)
      expect(
        openSpan(key, additional, read, first)
          ?.subarray(skip, skip + end - start)
          .equals(plain.subarray(start, end)),
      ).toBe(true)
      expect(openSpan(key, additional, read, first + 1)).toBeNull()
    }
    const span = segmentSpan(10, 20)
    expect(openSpan(key, additional, sealed.subarray(span.from, span.to - 1), span.first)).toBeNull()
  })
})
