import fc from 'fast-check'
import type { FieldType } from '../../src/contracts/field-type.ts'

// Values as the text that PostgreSQL reads, for every kind.

/** Any string that PostgreSQL can store: no U+0000, no lone surrogates; rich in what escapes are about. */
export const storableText = fc
  .oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60, size: 'max' }) },
    {
      weight: 3,
      arbitrary: fc.string({
        unit: fc.constantFrom(
          '\\',
          '"',
          '\t',
          '\n',
          '\r',
          '\b',
          '\f',
          '\v',
          '\u0001',
          '\u001f',
          '\u007f',
          '\u2028',
          '{',
          '}',
          ',',
          ' ',
          'N',
          'T',
          'é',
          '€',
          '😀',
        ),
        maxLength: 50,
        size: 'max',
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom('', '\\N', '\\.', 'NULL', 'null', '{}', '[0:1]={a,b}', '\\x', '""', '\\\\x41', 'T', ' ') },
  )
  .map((text) => text.replaceAll('\0', '').toWellFormed())

export const integer = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom(0, 1, -1)).map(String)
export const bigint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
export const decimal = fc.oneof(
  fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat({ max: 20 })).map(([digits, scale]) => `${digits}e-${scale}`),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '0.00', '1.10', '1e-30', '123456789012345678901234567890.5'),
)
export const float = fc.oneof(
  fc.double().map((value) => (Object.is(value, -0) ? '-0' : String(value))),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '1e300', '1e-300', '0.1', '5e-324'),
)
export const boolean = fc.boolean().map((value) => (value ? 't' : 'f'))

const two = (n: number) => String(n).padStart(2, '0')
export const timestamp = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'infinity',
      '-infinity',
      '0044-03-15 12:00:00 BC',
      '4000-01-01 00:00:00.000001 BC',
      '12000-12-31 23:59:59.999999',
      '2000-02-29 00:00:00',
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        year: fc.integer({ min: 1, max: 250_000 }),
        month: fc.integer({ min: 1, max: 12 }),
        day: fc.integer({ min: 1, max: 28 }),
        second: fc.nat({ max: 86_399 }),
        micros: fc.nat({ max: 999_999 }),
      })
      .map(({ year, month, day, second, micros }) => {
        const time = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`
        return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)} ${time}.${String(micros).padStart(6, '0')}`
      }),
  },
)
export const bytes = fc.uint8Array({ maxLength: 70, size: 'max' }).map((value) => `\\x${Buffer.from(value).toString('hex')}`)

const jsonText = fc
  .oneof(
    fc.json({ maxDepth: 4, stringUnit: 'binary' }),
    fc.constantFrom(
      'null',
      '"null"',
      '1.10',
      '123456789012345678901234567890',
      '1e400',
      '-0',
      '[]',
      '{}',
      '[[]]',
      '"]"',
      '"\\\\"',
      '"\\""',
      '{"a]":[1,{"b}":"\\\\\\""}]}',
      '"\\u0001\\t\\n"',
      '{"k": [1, [2, [3]]]}',
    ),
    storableText.map((text) => JSON.stringify({ [text]: [text, { a: text }] })),
  )
  // jsonb refuses U+0000 and lone surrogates, which JSON may write as escapes.
  .filter((text) => !/\\u0000|\\ud[89a-f]/i.test(text) && text.isWellFormed() && !text.includes('\0'))
export const jsonb = jsonText
/** `json` keeps white space, newlines and doubled keys. */
export const json = fc.oneof(jsonText, fc.constantFrom('{"a": 1,\n\t"a": 2 }', ' [ ] ', '{\r\n"x":"\\u0041"}'))

const quoteElement = (text: string | null) => (text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`)

/** Array literals of one to three dimensions, with bounds at times. */
export function arrayOf(element: fc.Arbitrary<string>, delimiter = ','): fc.Arbitrary<string> {
  const items = (count: number) => fc.array(fc.option(element, { freq: 6 }), { minLength: count, maxLength: count }).map((texts) => texts.map(quoteElement))
  const braces = (parts: readonly string[]) => `{${parts.join(delimiter)}}`
  const one = fc.nat({ max: 5 }).chain((count) => items(count).map(braces))
  const two = fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
    .chain(([a, b]) => items(a * b).map((texts) => braces(Array.from({ length: a }, (_, row) => braces(texts.slice(row * b, row * b + b))))))
  const three = items(4).map((texts) => braces([braces([braces(texts.slice(0, 2))]), braces([braces(texts.slice(2))])]))
  const bounded = items(2).map((texts) => `[0:1]=${braces(texts)}`)
  return fc.oneof({ weight: 4, arbitrary: one }, { weight: 2, arbitrary: two }, { weight: 1, arbitrary: three }, { weight: 1, arbitrary: bounded })
}

export interface ColumnCase {
  readonly path: string
  readonly column: string
  readonly sql: string
  readonly type: FieldType
  readonly value: fc.Arbitrary<string>
}

const column = (column: string, sql: string, type: FieldType | FieldType['kind'], value: fc.Arbitrary<string>, path = column): ColumnCase => ({
  path,
  column,
  sql,
  type: (typeof type === 'string' ? { kind: type } : type) as FieldType,
  value,
})
const array = (kind: FieldType['kind'], delimiter = ','): FieldType => ({ kind: 'array', element: { kind } as FieldType, delimiter })

/** A column of every kind, and of many types that are written as text. */
export const COLUMNS: readonly ColumnCase[] = [
  column('small', 'smallint', 'int', fc.integer({ min: -32768, max: 32767 }).map(String)),
  column('number', 'int', 'int', integer, 'we"ird\\путь.of\u2028property'),
  column('big', 'bigint', 'bigint', bigint, 'a.property.path.much.longer.than.sixteen.bytes'),
  column('amount', 'numeric', 'decimal', decimal),
  column(
    'price',
    'numeric(12,2)',
    'decimal',
    fc.integer({ min: -1e9, max: 1e9 }).map((n) => (n / 100).toFixed(2)),
  ),
  column('ratio', 'float8', 'float', float),
  column(
    'ratio4',
    'float4',
    'float',
    fc.oneof(
      fc.float().map((value) => (Object.is(value, -0) ? '-0' : String(value))),
      fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0'),
    ),
  ),
  column('flag', 'bool', 'boolean', boolean),
  column('instant', 'timestamptz', 'timestamp', timestamp),
  column('local', 'timestamp(3)', 'timestamp', timestamp),
  column('blob', 'bytea', 'bytes', bytes),
  column('doc', 'jsonb', 'jsonb', jsonb),
  column('raw_doc', 'json', 'text', json),
  column('note', 'text', 'text', storableText),
  column(
    'code',
    'varchar(40)',
    'text',
    storableText.map((text) => Array.from(text).slice(0, 40).join('')),
  ),
  column('padded', 'char(8)', 'text', fc.stringMatching(/^[a-z]{0,8}$/)),
  column('uid', 'uuid', 'text', fc.uuid()),
  column('day', 'date', 'text', fc.constantFrom('2024-02-29', 'infinity', '-infinity', '0044-03-15 BC', '12000-01-01')),
  column('clock', 'time', 'text', fc.constantFrom('00:00:00', '23:59:59.999999', '24:00:00')),
  column('clock_tz', 'timetz', 'text', fc.constantFrom('12:00:00+02', '23:59:59.999999-11:30')),
  column('span', 'interval', 'text', fc.constantFrom('1 year 2 mons -3 days 04:05:06.000007', '00:00:00', '-1 mons +1 day')),
  column('address', 'inet', 'text', fc.constantFrom('192.168.0.1/24', '::1', '2001:db8::/32')),
  column('window_of', 'int4range', 'text', fc.constantFrom('empty', '[1,10)', '(,5)', '[3,)')),
  column('place', 'point', 'text', fc.constantFrom('(1.5,-2)', '(0,1e+300)')),
  column('bits', 'bit varying', 'text', fc.stringMatching(/^[01]{0,20}$/)),
  column('words', 'tsvector', 'text', fc.constantFrom(`'a':1 'fat':2,4 'ra\\\\t''s'`, '')),
  column('status', 'transcoder_status', 'text', fc.constantFrom('new', 'on hold', 'a"b\\c', '{x,y}')),
  column(
    'pair',
    'transcoder_pair',
    'text',
    storableText.map((text) => `(1,"${text.replace(/["\\]/g, '\\$&')}")`),
  ),
  column('cash', 'money', 'text', fc.constantFrom('$1.00', '-$92,233,720,368,547,758.08')),
  column('ints', 'int[]', array('int'), arrayOf(integer)),
  column('bigs', 'bigint[]', array('bigint'), arrayOf(bigint)),
  column('decimals', 'numeric[]', array('decimal'), arrayOf(decimal)),
  column('floats', 'float8[]', array('float'), arrayOf(float)),
  column('flags', 'bool[]', array('boolean'), arrayOf(boolean)),
  column('instants', 'timestamptz[]', array('timestamp'), arrayOf(timestamp)),
  column('blobs', 'bytea[]', array('bytes'), arrayOf(bytes)),
  column('docs', 'jsonb[]', array('jsonb'), arrayOf(jsonb)),
  column('texts', 'text[]', array('text'), arrayOf(storableText)),
  column('boxes', 'box[]', array('text', ';'), arrayOf(fc.constantFrom('(3,4),(1,2)', '(0,0),(-1,-1.5)'), ';')),
]

/** One row, a value or NULL for each column. */
export const row: fc.Arbitrary<(string | null)[]> = fc.tuple(...COLUMNS.map(({ value }) => fc.option(value, { freq: 8 })))
