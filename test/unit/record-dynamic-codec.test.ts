import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Affinity } from '../../src/contracts/field-type.ts'
import { dynamicDecoder, dynamicEncoder, RawText, scanValue, storageClass, type StoredValue } from '../../src/record/index.ts'

const AFFINITIES: readonly Affinity[] = ['integer', 'real', 'numeric', 'text', 'blob']

const decode = (token: string, affinity: Affinity): StoredValue => {
  const bytes = Buffer.from(token)
  return dynamicDecoder(affinity)(bytes, 0, bytes.length)
}

const same = (a: StoredValue, b: StoredValue): boolean => {
  if (storageClass(a) !== storageClass(b)) return false
  if (a instanceof RawText) return b instanceof RawText && Buffer.compare(a.bytes, b.bytes) === 0
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0
  return Object.is(a, b)
}

const value = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(...[-1n, 0n, 1n].flatMap((d) => [2n ** 53n + d, -(2n ** 53n) + d, d])),
  fc.double({ noNaN: true }),
  fc.constantFrom(1, -0, 0, 1e21, 1e-7, 5e-324, 2 ** 53, Infinity, -Infinity, 0.1 + 0.2),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '1', '1.0', 'null', '\u0000', '\u2028\u2029', '{"blob":"AA=="}', '\\', '"', '\u007f', '😀'),
  fc.uint8Array(),
  fc.uint8Array({ minLength: 1 }).map((bytes) => new RawText(Uint8Array.of(0xff, ...bytes))),
)

describe('the encoding of dynamic values', () => {
  it('round trips every value in every affinity, as one JSON value without a line break', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(...AFFINITIES), (stored, affinity) => {
        const token = dynamicEncoder(affinity)(stored)
        const bytes = Buffer.from(token)
        expect(scanValue(bytes, 0, bytes.length)).toBe(bytes.length)
        expect(bytes.includes(0x0a)).toBe(false)
        expect(same(decode(token, affinity), stored)).toBe(true)
      }),
      { numRuns: 10_000 },
    )
  })

  it.each([
    ['integer', 42n, '42'],
    ['integer', 9007199254740993n, '"9007199254740993"'],
    ['integer', 1, '{"real":1.0}'],
    ['integer', 'x', '{"text":"x"}'],
    ['real', 1, '1.0'],
    ['real', -0, '-0.0'],
    ['real', 0.1 + 0.2, '0.30000000000000004'],
    ['real', 1e21, '1e+21'],
    ['real', -Infinity, '"-Infinity"'],
    ['real', 1n, '{"integer":1}'],
    ['numeric', 5n, '5'],
    ['numeric', 5.25, '5.25'],
    ['numeric', '2024-01-31', '"2024-01-31"'],
    ['numeric', 9007199254740993n, '{"integer":"9007199254740993"}'],
    ['numeric', Infinity, '{"real":"Infinity"}'],
    ['text', 'é\u0000', '"é\\u0000"'],
    ['text', new RawText(Uint8Array.of(0xff)), '{"textbytes":"/w=="}'],
    ['blob', Uint8Array.of(0), '"AA=="'],
    ['blob', 'a', '{"text":"a"}'],
  ] as const)('%s: %s is %s', (affinity, stored, token) => {
    expect(dynamicEncoder(affinity)(stored)).toBe(token)
  })

  it.each([
    ['integer', '"42"'],
    ['integer', '-0'],
    ['integer', '1.0'],
    ['integer', '9007199254740993'],
    ['integer', '"9223372036854775808"'],
    ['integer', '{"integer":1}'],
    ['integer', '{"real":1.0,"text":"a"}'],
    ['integer', '{"real":1}'],
    ['integer', '{"date":"x"}'],
    ['integer', '{}'],
    ['integer', 'true'],
    ['integer', '[1]'],
    ['real', '1'],
    ['real', '1.50'],
    ['real', '1e400'],
    ['real', '"NaN"'],
    ['real', '0.1000000000000000055511151231257827'],
    ['numeric', '{"text":"a"}'],
    ['text', '1'],
    ['text', '"\\u0041"'],
    ['text', '"\\ud800"'],
    ['blob', '"AA"'],
    ['blob', '"AB=="'],
    ['blob', '"A A="'],
    ['blob', '{"blob":"AA=="}'],
  ] as const)('%s refuses %s', (affinity, token) => {
    expect(() => decode(token, affinity)).toThrow()
  })
})
