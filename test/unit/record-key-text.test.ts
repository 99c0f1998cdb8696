import { describe, expect, it } from 'vitest'
import { createKeyTextReader, keyTextOf, parseKeyText, sameKey } from '../../src/record/key-text.ts'

describe('key text', () => {
  it.each([['[42]'], ['["9007199254740993"]'], ['["eu","a-1"]'], ['[1.0]'], ['[{"text":"x,y]"},null,true]'], ['["a\\"b\\u0000"]'], ['["\u2028é😀"]']])(
    '%s survives parsing and printing',
    (text) => {
      expect(keyTextOf(parseKeyText(text))).toBe(text)
    },
  )

  it('keeps number tokens as they were written', () => {
    expect(parseKeyText('[1.0,-0.0,12345678901234567890]')).toEqual(['1.0', '-0.0', '12345678901234567890'])
  })

  it.each([['42'], [''], ['[]'], ['[1'], ['[1,]'], ['[1 ]'], ['[ 1]'], ['[1]\n'], ['[01]'], ['["a]'], ['[tru]'], ['[1][2]'], ['["\ud800"]'], ['["a\nb"]']])(
    'refuses %j',
    (text) => {
      expect(() => parseKeyText(text)).toThrow(expect.objectContaining({ code: 'E_RECORD' }))
    },
  )

  it('refuses a depth bomb without a stack overflow', () => {
    expect(() => parseKeyText('['.repeat(100_000))).toThrow(expect.objectContaining({ code: 'E_RECORD' }))
  })

  it('refuses another number of values', () => {
    expect(() => parseKeyText('[1,2]', 1)).toThrow(expect.objectContaining({ code: 'E_RECORD' }))
    expect(parseKeyText('[1,2]', 2)).toEqual(['1', '2'])
  })

  it('reads the key of a line inside a batch', () => {
    const first = '{"id":1,"name":"x"}\n'
    const batch = Buffer.from(`${first}{"id":"é,}","name":"y"}\n`)
    const read = createKeyTextReader(1)
    expect(read(batch, 0, '{"id":1'.length)).toBe('[1]')
    expect(read(batch, first.length, first.length + Buffer.byteLength('{"id":"é,}"'))).toBe('["é,}"]')
  })

  it('reads a composite key, whatever stands in its names and values', () => {
    const line = '{"a\\"b":{"blob":"AA=="},"c:d":[1,"],"],"rest":1}\n'
    const keyEnd = line.indexOf(',"rest"')
    expect(createKeyTextReader(2)(Buffer.from(line), 0, keyEnd)).toBe('[{"blob":"AA=="},[1,"],"]]')
    expect(() => createKeyTextReader(2)(Buffer.from(line), 0, keyEnd - 1)).toThrow(expect.objectContaining({ code: 'E_RECORD' }))
    expect(() => createKeyTextReader(1)(Buffer.from('[1]'), 0, 2)).toThrow(expect.objectContaining({ code: 'E_RECORD' }))
  })

  it('compares by text', () => {
    expect(sameKey('[1]', '[1]')).toBe(true)
    expect(sameKey('[1]', '[1.0]')).toBe(false)
    expect(sameKey(null, null)).toBe(true)
  })
})
