import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CopyProgram, copyProgram } from '../../adapters/sql/postgres/copy/index.ts'
import { LineDecoder } from '../../adapters/sql/postgres/copy/line-decoder.ts'
import { RowEncoder } from '../../adapters/sql/postgres/copy/row-encoder.ts'
import { CONTROL, STATUS, TranscoderMemory } from '../../adapters/sql/transcoder/transcoder-memory.ts'
import type { RecordBatch } from '../../src/contracts/record-batch.ts'
import type { FieldType } from '../../src/contracts/field-type.ts'
import { isHoldfastError } from '../../src/kernel/errors.ts'
import { copyMessage, expectedJson, expectedLine } from './postgres-transcoder-oracle.ts'
import { bigint, boolean, bytes, decimal, float, integer, storableText, timestamp } from './postgres-transcoder-values.ts'

const NOTICE = Buffer.from([0x4e, 0, 0, 0, 5, 0])

/** Columns whose COPY text is known without a database, as it would print them. */
const CASES: readonly { readonly path: string; readonly type: FieldType; readonly value: fc.Arbitrary<string> }[] = [
  { path: 'id', type: { kind: 'bigint' }, value: bigint },
  { path: 'k', type: { kind: 'text' }, value: storableText },
  { path: 'n', type: { kind: 'int' }, value: integer },
  { path: 'amount "exact"', type: { kind: 'decimal' }, value: decimal.map((text) => text.replace(/e.*/, '')) },
  { path: 'x', type: { kind: 'float' }, value: float },
  { path: 'flag', type: { kind: 'boolean' }, value: boolean },
  { path: 'at', type: { kind: 'timestamp' }, value: timestamp },
  { path: 'a.path.that.is.longer.than.one.block.of.sixteen', type: { kind: 'text' }, value: storableText },
  { path: 'blob', type: { kind: 'bytes' }, value: bytes },
  { path: 'doc', type: { kind: 'jsonb' }, value: fc.json({ stringUnit: 'binary', maxDepth: 3 }).filter((text) => text.isWellFormed() && !text.includes('\0')) },
  { path: 'last', type: { kind: 'text' }, value: storableText },
]
const program = copyProgram(CASES, ['id', 'k'], ['at', 'n'])
// Key fields are not null.
const row = fc.tuple(...CASES.map(({ value }, index) => (index < 2 ? value : fc.option(value, { freq: 6 }))))
const rows = fc.array(row, { minLength: 1, maxLength: 40, size: 'max' })

/** Cuts bytes at random places, empty pieces included. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  return at.slice(1).map((end, index) => whole.subarray(at[index], end))
}
const places = fc.array(fc.nat(), { maxLength: 60, size: 'max' })

function encodeAll(pieces: readonly Buffer[], batchBytes: number): { readonly batches: RecordBatch[]; readonly messages: number } {
  const encoder = new RowEncoder(program, batchBytes)
  const batches: RecordBatch[] = []
  let messages = 0
  const keep = () => {
    const batch = encoder.batch()
    if (batch) batches.push(batch)
  }
  for (const piece of pieces) {
    encoder.feed(piece)
    for (let step = encoder.step(); step !== 'input'; step = encoder.step()) {
      if (step === 'batch') keep()
      else if (encoder.message()) messages++
      else break
    }
  }
  keep()
  return { batches, messages }
}

const linesOf = (batches: readonly RecordBatch[]) => Buffer.concat(batches.map(({ bytes }) => bytes)).toString()

describe('the encoder', () => {
  it('writes what the oracle says, wherever the bytes are cut and messages stand between', () => {
    fc.assert(
      fc.property(rows, places, fc.integer({ min: 1, max: 5000 }), fc.nat({ max: 50 }), (values, cuts, batchBytes, noticeAt) => {
        const messages = values.map(copyMessage)
        messages.splice(noticeAt % (messages.length + 1), 0, NOTICE)
        const { batches, messages: others } = encodeAll(cut(Buffer.concat(messages), cuts), batchBytes)
        expect(linesOf(batches)).toBe(values.map((texts) => expectedLine(CASES, texts)).join(''))
        expect(others).toBe(1)
      }),
      { numRuns: 400 },
    )
  })

  it('marks line ends, key ends and references', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 5000 }), (values, batchBytes) => {
        let row = 0
        for (const { bytes, rows: count, marks, stride } of encodeAll([Buffer.concat(values.map(copyMessage))], batchBytes).batches) {
          expect(stride).toBe(6)
          expect(marks.length).toBe(count * stride)
          const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString()
          for (let line = 0, start = 0; line < count; line++, row++) {
            const [end, keyEnd, atStart, atEnd, nStart, nEnd] = marks.subarray(line * stride, line * stride + stride)
            const texts = values[row]!
            expect(text(start, end!)).toBe(expectedLine(CASES, texts))
            expect(text(start, keyEnd!)).toBe(expectedLine(CASES.slice(0, 2), texts).slice(0, -2))
            const spans = [
              [texts[6], CASES[6]!.type, text(atStart!, atEnd!)],
              [texts[2], CASES[2]!.type, text(nStart!, nEnd!)],
            ] as const
            for (const [value, type, span] of spans) expect(span).toBe(value === null || value === undefined ? '' : expectedJson(value, type))
            start = end!
          }
        }
        expect(row).toBe(values.length)
      }),
      { numRuns: 100 },
    )
  })

  it('never writes again where it has handed a batch over', () => {
    const message = copyMessage(['1', 'k', ...Array.from({ length: 9 }, () => null)])
    const { batches } = encodeAll(
      Array.from({ length: 500 }, () => message),
      100,
    )
    expect(new Set(batches.map(({ bytes }) => bytes.buffer)).size).toBe(batches.length)
    expect(new Set(batches.map(({ bytes }) => Buffer.from(bytes).toString())).size).toBe(1)
  })

  it.each([
    ['a missing column', ['1', 'k']],
    ['a column too many', [...Array.from({ length: 11 }, () => '1'), '2']],
    ['a boolean that is none', ['1', 'k', null, null, null, 'yes', null, null, null, null, null]],
    ['bytes that are no hex', ['1', 'k', null, null, null, null, null, null, '\\x0g', null, null]],
    ['half a byte', ['1', 'k', null, null, null, null, null, null, '\\x012', null, null]],
    ['bytes in the escape format', ['1', 'k', null, null, null, null, null, null, 'abc', null, null]],
    ['jsonb with a raw newline', ['1', 'k', null, null, null, null, null, null, null, '[1,\n2]', null]],
  ])('refuses %s', (_name, values) => {
    expect(() => encodeAll([copyMessage(values)], 1000)).toThrow(expect.objectContaining({ code: 'E_SCHEMA_DRIFT' }))
  })
})

function decodeAll(pieces: readonly Buffer[], options: Partial<ConstructorParameters<typeof LineDecoder>[1]> = {}): Buffer {
  const decoder = new LineDecoder(program, { sent: new Set(CASES.keys()), appended: [], firstLine: 1, ...options })
  const messages = pieces.flatMap((piece) => [...decoder.messages(piece)])
  decoder.finish()
  for (const message of messages) expect(message.readUInt32BE(1)).toBe(message.length - 1)
  return Buffer.concat(messages.map((message) => message.subarray(5)))
}

describe('the decoder', () => {
  it('gives back the COPY text, wherever the lines are cut', () => {
    fc.assert(
      fc.property(rows, places, (values, cuts) => {
        const copy = Buffer.concat(values.map((texts) => copyMessage(texts).subarray(5)))
        const lines = Buffer.from(values.map((texts) => expectedLine(CASES, texts)).join(''))
        expect(decodeAll(cut(lines, cuts)).toString()).toBe(copy.toString())
      }),
      { numRuns: 400 },
    )
  })

  it('sends the fields asked for and appends columns', () => {
    const lines = ['a', 'b'].map((key) => Buffer.from(expectedLine(CASES, ['7', key, '5', ...Array.from({ length: 8 }, () => null)])))
    const copy = decodeAll(lines, {
      sent: new Set([1, 2]),
      appended: ['line-number', { constant: 'tab\there\\' }, { constant: null }],
      firstLine: 4_294_967_295,
    })
    expect(copy.toString()).toBe('a\t5\t4294967295\ttab\\there\\\\\t\\N\nb\t5\t4294967296\ttab\\there\\\\\t\\N\n')
  })

  it('takes a changed line as it is or refuses it: it never gives COPY text that is not that of the line', () => {
    fc.assert(
      fc.property(
        row,
        fc.nat(),
        fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Buffer.from('"\\{}[],:0-ntT \n'))),
        fc.constantFrom('replace', 'insert', 'delete'),
        (values, at, byte, how) => {
          const line = Buffer.from(expectedLine(CASES, values))
          const place = at % line.length
          const changed = Buffer.concat([
            line.subarray(0, place),
            how === 'delete' ? Buffer.alloc(0) : Buffer.from([byte]),
            line.subarray(how === 'insert' ? place : place + 1),
          ])
          let copy: Buffer
          try {
            copy = decodeAll([changed])
          } catch (error) {
            expect(isHoldfastError(error, 'E_RECORD')).toBe(true)
            return
          }
          // What was taken must come out again as the very same line: one value, one form. (The form of dates is the database's to check.)
          const header = Buffer.from([0x64, 0, 0, 0, 0])
          header.writeUInt32BE(copy.length + 4, 1)
          expect(linesOf(encodeAll([Buffer.concat([header, copy])], 1000).batches)).toBe(changed.toString())
        },
      ),
      { numRuns: 5000 },
    )
  })

  const valid = expectedLine(CASES, ['7', 'k', '5', '1.50', '-0', 't', '2024-01-01 00:00:00', 'text', '\\x00ff', '{"a": 1}', 'end'])
  it.each([
    ['white space', (line: string) => line.replace(':5,', ': 5,'), 'n'],
    ['a field missing', (line: string) => line.replace('"n":5,', ''), 'n'],
    ['fields in another order', (line: string) => line.replace('"n":5,', '').replace('"flag"', '"n":5,"flag"'), 'n'],
    ['a field too many', (line: string) => line.replace('}\n', ',"z":1}\n'), 'last'],
    ['a leading zero', (line: string) => line.replace(':5,', ':05,'), 'n'],
    ['a fraction in an int', (line: string) => line.replace(':5,', ':5.5,'), 'n'],
    ['a number where digits are a string', (line: string) => line.replace('"1.50"', '1.50'), 'amount "exact"'],
    ['an escape that is not needed', (line: string) => line.replace('"text"', '"\\u0074ext"'), 'a.path.that.is.longer.than.one.block.of.sixteen'],
    ['an escaped slash', (line: string) => line.replace('"text"', '"\\/"'), 'a.path.that.is.longer.than.one.block.of.sixteen'],
    ['a long escape that has a short form', (line: string) => line.replace('"text"', '"\\u000a"'), 'a.path.that.is.longer.than.one.block.of.sixteen'],
    ['U+0000', (line: string) => line.replace('"text"', '"\\u0000"'), 'a.path.that.is.longer.than.one.block.of.sixteen'],
    ['a raw control character', (line: string) => line.replace('"text"', '"\t"'), 'a.path.that.is.longer.than.one.block.of.sixteen'],
    ['base64 without padding', (line: string) => line.replace('AP8=', 'AP8'), 'blob'],
    ['base64 with loose bits', (line: string) => line.replace('AP8=', 'AP9='), 'blob'],
    ['base64url', (line: string) => line.replace('AP8=', '_-8='), 'blob'],
    ['jsonb without its brackets', (line: string) => line.replace('[{"a": 1}]', '{"a": 1}'), 'doc'],
    ['two values of jsonb', (line: string) => line.replace('[{"a": 1}]', '[1,2]'), 'doc'],
    ['no value of jsonb', (line: string) => line.replace('[{"a": 1}]', '[]'), 'doc'],
    ['true in another case', (line: string) => line.replace(':true', ':True'), 'flag'],
    ['a float that is no number', (line: string) => line.replace(':-0,', ':"nan",'), 'x'],
    ['something behind the record', (line: string) => line.replace('}\n', '} \n'), 'last'],
    ['an empty line', () => '\n', 'id'],
  ])('refuses %s, with line and field', (_name, change, field) => {
    const changed = change(valid)
    expect(changed).not.toBe(valid)
    expect(() => decodeAll([Buffer.from(valid + valid + changed)])).toThrow(expect.objectContaining({ code: 'E_RECORD', details: { line: 3, field } }))
  })

  it('refuses a last line without end', () => {
    expect(() => decodeAll([Buffer.from(valid.slice(0, -1))])).toThrow(expect.objectContaining({ code: 'E_RECORD', details: { line: 1 } }))
  })
})

describe('arrays', () => {
  const decodeOne = (type: FieldType, json: string) => {
    const one = copyProgram([{ path: 'a', type }], ['a'])
    const decoder = new LineDecoder(one, { sent: new Set([0]), appended: [], firstLine: 1 })
    return Buffer.concat([...decoder.messages(Buffer.from(`{"a":${json}}\n`))].map((message) => message.subarray(5))).toString()
  }
  const array = (kind: 'int' | 'text' | 'jsonb' | 'boolean' | 'bytes' | 'float', delimiter = ','): FieldType => ({
    kind: 'array',
    element: { kind },
    delimiter,
  })

  it.each([
    [array('int'), '[]', '{}\n'],
    [array('int'), '[[1,null],[3,4]]', '{{1,NULL},{3,4}}\n'],
    [array('int'), '"[0:1]={1,2}"', '[0:1]={1,2}\n'],
    [array('text'), '["a\\\\\\"b","NULL",null,""]', '{"a\\\\\\\\\\\\"b","NULL",NULL,""}\n'],
    [array('text', ';'), '["(1,2),(3,4)","x"]', '{"(1,2),(3,4)";"x"}\n'],
    [array('jsonb'), '[[{"a": "\\n"}],null,[null]]', '{"{\\\\"a\\\\": \\\\"\\\\\\\\n\\\\"}",NULL,"null"}\n'],
    [array('boolean'), '[true,false]', '{t,f}\n'],
    [array('bytes'), '["AP8="]', '{"\\\\\\\\x00ff"}\n'],
    [array('float'), '[1e+20,"NaN",-0]', '{1e+20,"NaN",-0}\n'],
  ])('of %j: %s', (type, json, copy) => {
    expect(decodeOne(type, json)).toBe(copy)
  })

  it.each([
    [array('int'), '[1,]'],
    [array('int'), '[,1]'],
    [array('int'), '[1'],
    [array('int'), '[[]]'],
    [array('int'), '[1 ,2]'],
    [array('int'), '["1"]'],
    [array('text'), '[a]'],
    [array('jsonb'), '[1]'],
    [array('jsonb'), '[[1,2]]'],
    [array('boolean'), '[tru]'],
  ])('of %j refuses %s', (type, json) => {
    expect(() => decodeOne(type, json)).toThrow(expect.objectContaining({ code: 'E_RECORD' }))
  })
})

describe('the room for a row', () => {
  // What each kind makes longest of the fewest bytes, as COPY text and as JSON.
  const array = (kind: 'int' | 'decimal' | 'text' | 'jsonb' | 'boolean' | 'bytes' | 'float' | 'timestamp'): FieldType => ({
    kind: 'array',
    element: { kind },
    delimiter: ',',
  })
  const many = (item: string, count: number) => Array.from({ length: count }, () => item).join(',')
  const worst: readonly (readonly [string, FieldType, (count: number) => string])[] = [
    ['controls', { kind: 'text' }, (count) => '\u0001'.repeat(count)],
    ['vertical tabs', { kind: 'text' }, (count) => '\v'.repeat(count)],
    ['quotes', { kind: 'text' }, (count) => '"'.repeat(count)],
    ['backslashes', { kind: 'text' }, (count) => '\\'.repeat(count)],
    ['jsonb of backslashes', { kind: 'jsonb' }, (count) => `"${'\\\\'.repeat(count)}"`],
    ['bytes', { kind: 'bytes' }, (count) => `\\x${'ab'.repeat(count)}`],
    ['false', array('boolean'), (count) => `{${many('f', count)}}`],
    ['digits', array('decimal'), (count) => `{${many('1', count)}}`],
    ['letters', array('text'), (count) => `{${many('a', count)}}`],
    ['empty strings', array('text'), (count) => `{${many('""', count)}}`],
    ['arrays of controls', array('text'), (count) => `{${many('\u0001', count)}}`],
    ['arrays of backslashes', array('text'), (count) => `{${many('"\\\\"', count)}}`],
    ['arrays of jsonb', array('jsonb'), (count) => `{${many('1', count)}}`],
    ['arrays of jsonb strings', array('jsonb'), (count) => `{${many('"\\"\\""', count)}}`],
    ['arrays of empty bytes', array('bytes'), (count) => `{${many('"\\\\x"', count)}}`],
    ['arrays of bytes', array('bytes'), (count) => `{${many('"\\\\xab"', count)}}`],
    ['NaN', array('float'), (count) => `{${many('NaN', count)}}`],
    ['NULL', array('int'), (count) => `{${many('NULL', count)}}`],
    ['days', array('timestamp'), (count) => `{${many('"2024-01-01 00:00:00"', count)}}`],
  ]

  /** Runs one row through with room for no more than was asked for. */
  function through(one: CopyProgram, input: Uint8Array, way: 'encode' | 'decode'): string {
    const memory = new TranscoderMemory(one, { inputBytes: 64, outputBytes: 16, rowsMax: 1, target: 2 ** 30, sent: new Set([0]) })
    memory.feed(input)
    if (memory[way]() === STATUS.needRoom) {
      memory.reserveOutput(memory.words[CONTROL.need]!)
      memory[way]()
    }
    const { words, bytes } = memory
    expect(words[CONTROL.rows]).toBe(1)
    expect(words[CONTROL.outPos]).toBeLessThanOrEqual(words[CONTROL.outEnd]!)
    return Buffer.from(bytes.subarray(words[CONTROL.outBase], words[CONTROL.outPos])).toString()
  }

  it.each(worst)('suffices for %s', (_name, type, make) => {
    const one = copyProgram([{ path: 'a', type }], ['a'])
    for (const count of [1, 2, 5, 50, 3000, 20_000]) {
      const line = through(one, copyMessage([make(count)]), 'encode')
      expect(line).toBe(expectedLine([{ path: 'a', type }], [make(count)]))
      // Back, and out again: PostgreSQL would print an array's text its own way in between, so the lines are compared.
      const copy = Buffer.from(through(one, Buffer.from(line), 'decode'))
      const header = Buffer.from([0x64, 0, 0, 0, 0])
      header.writeUInt32BE(copy.length + 4, 1)
      expect(through(one, Buffer.concat([header, copy]), 'encode')).toBe(line)
    }
  })
})

describe('memory', () => {
  it('is given back after a long row', () => {
    const encoder = new RowEncoder(program, 1024 * 1024)
    const values = (note: string) => ['1', note, ...Array.from({ length: 9 }, () => null)]
    const before = encoder.memoryBytes
    encoder.feed(copyMessage(values('x'.repeat(50 * 2 ** 20))))
    encoder.feed(copyMessage(values('short')))
    expect(encoder.step()).toBe('batch')
    expect(encoder.memoryBytes).toBeGreaterThan(before + 50 * 2 ** 20)
    expect(encoder.batch()!.bytes.length).toBeGreaterThan(50 * 2 ** 20)
    expect(encoder.memoryBytes).toBe(before)
    expect(encoder.step()).toBe('input')
    expect(linesOf([encoder.batch()!])).toBe(expectedLine(CASES, values('short')))
    expect(encoder.rows).toBe(2)
  })
})

describe('the program', () => {
  it.each([
    ['SQLite columns', () => copyProgram([{ path: 'a', type: { kind: 'dynamic', affinity: 'text' } }], ['a'])],
    [
      'a key that does not lead',
      () =>
        copyProgram(
          [
            { path: 'a', type: { kind: 'int' } },
            { path: 'b', type: { kind: 'int' } },
          ],
          ['b'],
        ),
    ],
    ['no key', () => copyProgram([{ path: 'a', type: { kind: 'int' } }], [])],
    ['unknown references', () => copyProgram([{ path: 'a', type: { kind: 'int' } }], ['a'], ['b'])],
    [
      'a path twice',
      () =>
        copyProgram(
          [
            { path: 'a', type: { kind: 'int' } },
            { path: 'a', type: { kind: 'int' } },
          ],
          ['a'],
        ),
    ],
  ])('refuses %s', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'E_MAPPING' }))
  })

  it('is committed as its source compiles', () => {
    execFileSync(process.execPath, ['scripts/build-transcoder.mjs', '--check'])
  })
})
