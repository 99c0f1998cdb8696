import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonElements } from '../../src/archive/json-elements.ts'

test('the elements of a JSON array are its values, whatever stands in them', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ noUnicodeString: false, maxDepth: 3 })), (values) => {
      const text = Buffer.from(JSON.stringify(values))
      const found = [...jsonElements(text, 1, text.byteLength - 1)].map(([from, to]) => JSON.parse(text.toString('utf8', from, to)) as unknown)
      expect(found).toEqual(JSON.parse(text.toString()))
    }),
  )
  const tricky = Buffer.from(String.raw`["a,b","\"],[\\",["x",[1,2]],{"k,":"}"},null]`)
  expect([...jsonElements(tricky, 1, tricky.byteLength - 1)].map(([from, to]) => tricky.toString('utf8', from, to))).toEqual([
    '"a,b"',
    String.raw`"\"],[\\"`,
    '["x",[1,2]]',
    '{"k,":"}"}',
    'null',
  ])
})
