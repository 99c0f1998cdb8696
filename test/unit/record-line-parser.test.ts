import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineParser, ExactNumber, lineEnds, parseExactJson, printExactJson, type LineBatch } from '../../src/record/index.ts'

const parser = createLineParser({ entity: 'Order', fields: ['id', 'address.city', '__proto__'] })
const good = '{"id":1,"address.city":"x","__proto__":{"a":[1,{"b":null}]}}\n'

function batchOf(bytes: Buffer, firstLine = 1): LineBatch {
  return { bytes, ends: lineEnds(bytes), firstLine }
}

function values(text: string | Buffer): string[][] {
  const lines: string[][] = []
  parser.batch(batchOf(Buffer.from(text)), (bytes, spans) => {
    lines.push([0, 2, 4].map((at) => bytes.toString('utf8', spans[at], spans[at + 1])))
  })
  return lines
}

const bomb = (depth: number) => `{"id":1,"address.city":${'['.repeat(depth)}${']'.repeat(depth)},"__proto__":1}\n`

describe('the line parser', () => {
  it('finds the values of each line', () => {
    expect(values(good + good.replace('1', '"é\u2028"'))).toEqual([
      ['1', '"x"', '{"a":[1,{"b":null}]}'],
      ['"é\u2028"', '"x"', '{"a":[1,{"b":null}]}'],
    ])
    expect(values(bomb(512))).toHaveLength(1)
  })

  it('takes a jsonb as PostgreSQL prints it, blanks behind commas and colons, and no other white space', () => {
    const line = (value: string) => good.replace('"x"', value)
    const printed = '[{"a": [1, {"b": null}], "c": {"d": -1.50}}]'
    expect(values(line(printed))[0]![1]).toBe(printed)
    for (const wrong of ['[ {"a": 1}]', '[{"a":  1}]', '[{ "a": 1}]', '[{"a" :1}]', '[{"a": 1 }]', '[{"a":\t1}]', '[1, 2]', '{"a": 1}', '[[1] ]', '[[1, ]]']) {
      expect(() => values(line(wrong)), wrong).toThrow('E_RECORD')
    }
  })

  it.each([
    ['a blank line', '\n'],
    ['CR LF', good.replace('\n', '\r\n')],
    ['a byte order mark', `\ufeff${good}`],
    ['a duplicate field', good.replace('"address.city"', '"id"')],
    ['another order', '{"address.city":"x","id":1,"__proto__":1}\n'],
    ['a missing field', '{"id":1,"address.city":"x"}\n'],
    ['no field', '{}\n'],
    ['a field too many', good.replace('}\n', ',"more":1}\n')],
    ['a doubled last field', good.replace('}\n', ',"id":1}\n')],
    ['an unknown field', good.replace('address.city', 'address.town')],
    ['white space after a colon', good.replace(':1', ': 1')],
    ['white space before the brace', ` ${good}`],
    ['white space after the brace', good.replace('\n', ' \n')],
    ['two objects', good.replace('\n', '{}\n')],
    ['an array', '[1]\n'],
    ['a bare value', '1\n'],
    ['a cut line', `${good.slice(0, 20)}\n`],
    ['a cut string', '{"id":"a\n'],
    ['a trailing comma', good.replace('}\n', ',}\n')],
    ['a leading zero', good.replace(':1', ':01')],
    ['a bare minus', good.replace(':1', ':-')],
    ['a bare dot', good.replace(':1', ':1.')],
    ['a bare exponent', good.replace(':1', ':1e')],
    ['NaN', good.replace(':1', ':NaN')],
    ['a bad word', good.replace(':1', ':nul')],
    ['a bad escape', good.replace('"x"', '"\\x"')],
    ['a bad unicode escape', good.replace('"x"', '"\\u12g4"')],
    ['a raw control character', good.replace('"x"', '"\t"')],
    ['single quotes', good.replaceAll('"', "'")],
    ['a depth bomb', bomb(513)],
    ['a big depth bomb', bomb(1_000_000)],
    ['a depth bomb of objects', good.replace(':1', `:${'{"a":'.repeat(600)}1${'}'.repeat(600)}`)],
  ])('case 35: refuses %s, naming entity and line', (_name, bad) => {
    expect(() => values(good + bad)).toThrow(expect.objectContaining({ code: 'E_RECORD', details: { entity: 'Order', line: 2 } }))
  })

  it('case 35: refuses what is not UTF-8, naming the line', () => {
    for (const wrong of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x80]]) {
      const bad = Buffer.concat([Buffer.from(`${good}{"id":"`), Buffer.from(wrong), Buffer.from('","address.city":1,"__proto__":1}\n')])
      expect(() => values(bad)).toThrow(expect.objectContaining({ code: 'E_RECORD', details: { entity: 'Order', line: 2 } }))
    }
  })

  it('never reads past its line, whatever is damaged', () => {
    const line = Buffer.from(good)
    fc.assert(
      fc.property(fc.nat(line.length - 2), fc.nat(255), fc.nat(line.length), (at, byte, cut) => {
        const damaged = Buffer.from(line)
        damaged[at] = byte
        const bytes = Buffer.concat([damaged.subarray(0, cut), Buffer.from('\n'), line])
        try {
          parser.batch(batchOf(bytes), (_bytes, spans, number) => {
            const end = lineEnds(bytes)[number - 1]!
            for (const offset of spans) expect(offset).toBeLessThan(end)
          })
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_RECORD' })
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('reads one record with exact numbers and no polluted prototype', () => {
    const line = '{"id":12345678901234567890,"address.city":1.0,"__proto__":{"__proto__":{"polluted":true},"constructor":1.10}}\n'
    const record = parser.record(Buffer.from(line), 7)
    expect(record.get('id')).toEqual(new ExactNumber('12345678901234567890'))
    expect(record.get('address.city')).toEqual(new ExactNumber('1.0'))
    expect(printExactJson(record.get('__proto__')!)).toBe('{"__proto__":{"polluted":true},"constructor":1.10}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(() => parser.record(Buffer.from('{}\n'), 7)).toThrow(expect.objectContaining({ details: { entity: 'Order', line: 7 } }))
  })

  it('prints any JSON back as it was', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        const canonical = JSON.stringify(JSON.parse(text))
        expect(printExactJson(parseExactJson(canonical))).toBe(canonical)
      }),
    )
  })
})
