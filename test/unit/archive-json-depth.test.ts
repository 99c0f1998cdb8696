import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonDepth } from '../../src/archive/json-depth.ts'

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

test('the depth of JSON text is that of its value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }), (value) => {
      expect(jsonDepth(Buffer.from(JSON.stringify(value)))).toBe(depthOf(JSON.parse(JSON.stringify(value))))
    }),
  )
  for (const text of ['"[[["', String.raw`"\\"`, String.raw`"\"[[["`, String.raw`["\\\"[["]`, '"unfinished [['])
    expect(jsonDepth(Buffer.from(text))).toBe(text.startsWith('[') ? 1 : 0)
})
