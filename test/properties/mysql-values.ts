import fc from 'fast-check'
import { quoteBytes, quoteLiteral } from '../../adapters/sql/mysql/quote.ts'
import { table } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'

export const ROWS = 10_000
const BATCH = 250

export interface Kind<T> {
  readonly declared: string
  readonly values: fc.Arbitrary<T>
  readonly sql: (value: T) => string
  /** What the JSON value of the line must be. */
  readonly holds: (json: unknown, value: T) => boolean
}

const kind = <T>(declared: string, values: fc.Arbitrary<T>, sql: (value: T) => string, json: (value: T) => unknown = (value) => value): Kind<never> =>
  ({ declared, values, sql, holds: (found: unknown, value: T) => Object.is(found, json(value)) }) as unknown as Kind<never>

const NASTY = [
  '',
  '\0',
  '\u2028\u2029',
  '"\\',
  '\\u001F',
  '\\\\u001f',
  '\u001f\u000b\u001a\u007f',
  '\r\n\t\b\f',
  '{"__proto__":1}',
  "';--",
  '😀\u{10ffff}',
  '/',
  'é',
  'null',
]
const unicode = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom(...NASTY), { maxLength: 6 }).map((parts) => parts.join('')),
)
const within = (pattern: RegExp) => unicode.filter((text) => pattern.test(text))
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const pad = (value: number, digits: number) => String(value).padStart(digits, '0')
const date = fc
  .tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
  .map(([y, m, d]) => `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}`)
const time = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 999_999 }))
const clock = time.map(([h, m, s, us]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}.${pad(us, 6)}`)
const digits = (max: number) => fc.bigInt({ min: -(10n ** BigInt(max)) + 1n, max: 10n ** BigInt(max) - 1n })
const scaled = (value: bigint, scale: number) => {
  const text = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
}
/** A zero without sign: MariaDB stores no other. */
const unsigned = (value: number): number => (value === 0 ? 0 : value)
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map(unsigned)
const text = (value: string) => quoteLiteral(value)
const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64')
const quoted = (value: string) => `'${value}'`

/** Every type that MariaDB stores, by the name of a column of it. */
export const KINDS: Readonly<Record<string, Kind<never>>> = {
  utf8: kind('text CHARACTER SET utf8mb4', unicode, text),
  utf8_ci: kind('varchar(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci', unicode, text),
  utf8mb3: kind('text CHARACTER SET utf8mb3', within(/^[\0-\uffff]*$/u), text),
  utf16: kind('text CHARACTER SET utf16', unicode, text),
  latin1: kind('text CHARACTER SET latin1', fc.string({ unit: fc.constantFrom(...'aZ"\\\n\0é€ŸÿØ\u001f') }), text),
  ascii: kind(
    'varchar(100) CHARACTER SET ascii',
    unicode.map((value) => value.replace(/[^\0-\x7f]/g, '?')),
    text,
  ),
  greek: kind('varchar(100) CHARACTER SET greek', fc.string({ unit: fc.constantFrom(...'αβΩά"\\\n') }), text),
  big: kind('bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), String, String),
  huge: kind('bigint unsigned', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), String, String),
  small: kind('mediumint', fc.integer({ min: -8_388_608, max: 8_388_607 }), String),
  padded: kind('int(8) unsigned zerofill', fc.integer({ min: 0, max: 4_294_967_295 }), String),
  money: kind(
    'decimal(38,10)',
    digits(38),
    (value) => scaled(value, 10),
    (value) => scaled(value, 10),
  ),
  real8: kind('double', finite, (value) => `${value}e0`.replace(/(e[+-]?\d+)e0$/, '$1')),
  real4: kind('float', fc.float({ noNaN: true, noDefaultInfinity: true }).map(unsigned), (value) => `${value}e0`.replace(/(e[+-]?\d+)e0$/, '$1')),
  bits: kind('bit(64)', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), String, String),
  flags: kind('bit(53)', fc.maxSafeNat(), String),
  bin: kind('varbinary(300)', bytes(300), quoteBytes, base64),
  blob_: kind('blob', bytes(200), quoteBytes, base64),
  padless: kind(
    'char(30) CHARACTER SET utf8mb4',
    unicode.map((value) => [...value].slice(0, 30).join('').replace(/ +$/, '')),
    text,
  ),
  fixed: kind('binary(4)', fc.uint8Array({ minLength: 4, maxLength: 4 }), quoteBytes, base64),
  day: kind('date', fc.oneof(date, fc.constant('0000-00-00')), quoted),
  moment: kind(
    'datetime(6)',
    fc.tuple(date, clock).map((parts) => parts.join(' ')),
    quoted,
    (value) => value.replace(' ', 'T'),
  ),
  instant: kind(
    'timestamp(6) NULL',
    fc
      .date({ min: new Date('1970-01-02'), max: new Date('2038-01-01'), noInvalidDate: true })
      .map((value) => `${value.toISOString().slice(0, -1).replace('T', ' ')}042`),
    quoted,
    (value) => value.replace(' ', 'T'),
  ),
  span: kind(
    'time(6)',
    fc
      .tuple(fc.constantFrom('', '-'), fc.integer({ min: 0, max: 837 }), clock)
      .map(([sign, h, rest]) => `${sign}${pad(h, 2)}${rest.slice(2)}`)
      .filter((value) => !/^-00:00:00\.0{6}$/.test(value)),
    quoted,
  ),
  year_: kind('year', fc.oneof(fc.constant(0), fc.integer({ min: 1901, max: 2155 })), String),
  choice: kind(`enum('a','b"c','é')`, fc.constantFrom('a', 'b"c', 'é'), text),
  choices: kind(
    `set('x','y"','z')`,
    fc.subarray(['x', 'y"', 'z']).map((some) => some.join(',')),
    text,
  ),
  flags64: kind(
    `set(${Array.from({ length: 64 }, (_, at) => `'m${at}'`).join(',')})`,
    fc.subarray(Array.from({ length: 64 }, (_, at) => `m${at}`)).map((some) => some.join(',')),
    text,
  ),
  document: kind('json', fc.json(), text),
  uid: kind('uuid', fc.uuid({ version: [1, 4] }), quoted),
  address: kind('inet6', fc.constantFrom('::1', 'fe80::1', '2001:db8::ff00:42:8329'), quoted),
}

export const KIND_NAMES = Object.keys(KINDS)

/** A table of all kinds, keyed by `id` from 0 on. */
export const NASTY_ENTITY = table('nasty', ['id', ...KIND_NAMES].join(' '))

export type NastyRow = Readonly<Record<string, unknown>>

/** The same rows each time; one value in ten is NULL. */
export function nastyRows(): readonly NastyRow[] {
  const values = KIND_NAMES.map((name) => [name, fc.option(KINDS[name]!.values as fc.Arbitrary<unknown>, { nil: null, freq: 9 })])
  return fc.sample(fc.record(Object.fromEntries(values) as Record<string, fc.Arbitrary<unknown>>), { numRuns: ROWS, seed: 20261121 })
}

export const createNasty = (name: string): string =>
  `CREATE TABLE ${name} (id int PRIMARY KEY, ${KIND_NAMES.map((column) => `${column} ${KINDS[column]!.declared}`).join(', ')}) CHARACTER SET utf8mb4`

/** Writes the rows with literals of SQL. */
export async function insertNasty(db: TestDatabase, rows: readonly NastyRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    const values = rows.slice(start, start + BATCH).map((row, place) => {
      const literals = KIND_NAMES.map((name) => (row[name] === null ? 'NULL' : KINDS[name]!.sql(row[name] as never)))
      return `(${[start + place, ...literals].join(', ')})`
    })
    await db.query(`SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'; INSERT INTO nasty VALUES ${values.join(',\n')}`)
  }
}
