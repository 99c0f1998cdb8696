import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEntities, type MysqlEntity } from '../../adapters/sql/mysql/catalog.ts'
import { quoteBytes, quoteLiteral } from '../../adapters/sql/mysql/quote.ts'
import type { RawRow } from '../../adapters/sql/mysql/read-rows.ts'
import { columnsSql, createRowEncoder } from '../../adapters/sql/mysql/row-encoder.ts'
import { openSession } from '../../adapters/sql/mysql/session.ts'
import { createMysqlDatabase, mysqlUrl } from '../support/mysql.ts'
import { endPool, inView, mysqlPool } from '../support/mysql-lane.ts'
import { mappingOf, readLines, table } from '../support/postgres-lane.ts'
import type { TestDatabase } from '../support/postgres.ts'

const ROWS = 10_000
const BATCH = 250

interface Kind<T> {
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

const KINDS: Readonly<Record<string, Kind<never>>> = {
  utf8: kind('text CHARACTER SET utf8mb4', unicode, text),
  utf8_ci: kind('varchar(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci', unicode, text),
  utf8mb3: kind('text CHARACTER SET utf8mb3', within(/^[\0-\uffff]*$/u), text),
  utf16: kind('text CHARACTER SET utf16', unicode, text),
  latin1: kind('text CHARACTER SET latin1', fc.string({ unit: fc.constantFrom(...'aZ"\\\n\0é€ŸÿØ\u001f') }), text),
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
  document: kind('json', fc.json(), text),
  uid: kind('uuid', fc.uuid({ version: [1, 4] }), quoted),
  address: kind('inet6', fc.constantFrom('::1', 'fe80::1', '2001:db8::ff00:42:8329'), quoted),
}

/** Numbers have many spellings; all else has one. */
const canonical = (line: string): string => line.replace(/"(real[48])":[^,]+/g, '')

describe.skipIf(mysqlUrl() === null)('record lines of MariaDB', () => {
  let db: TestDatabase
  let lane: ReturnType<typeof mysqlPool>
  const names = Object.keys(KINDS)
  const rows = fc.sample(
    fc.record(Object.fromEntries(names.map((name) => [name, fc.option(KINDS[name]!.values as fc.Arbitrary<unknown>, { nil: null, freq: 9 })]))),
    {
      numRuns: ROWS,
      seed: 20261121,
    },
  )
  const entity = table('nasty', ['id', ...names].join(' '))

  beforeAll(async () => {
    db = await createMysqlDatabase()
    lane = mysqlPool(db.url, 3)
    await db.query(`CREATE TABLE nasty (id int PRIMARY KEY, ${names.map((name) => `${name} ${KINDS[name]!.declared}`).join(', ')}) CHARACTER SET utf8mb4`)
    for (let start = 0; start < rows.length; start += BATCH) {
      const values = rows.slice(start, start + BATCH).map((row, place) => {
        const literals = names.map((name) => (row[name] === null ? 'NULL' : KINDS[name]!.sql(row[name] as never)))
        return `(${[start + place, ...literals].join(', ')})`
      })
      await db.query(`SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'; INSERT INTO nasty VALUES ${values.join(',\n')}`)
    }
  }, 300_000)
  afterAll(async () => {
    await endPool(lane.pool)
    await db.drop()
  })

  it(`hold exactly what was stored, in ${ROWS} rows`, async () => {
    const lines = await inView(lane.connections, mappingOf(entity), (view) => readLines(view, 'nasty'))
    expect(lines).toHaveLength(ROWS)
    const faults: string[] = []
    for (const [at, line] of lines.entries()) {
      const parsed = JSON.parse(line) as Record<string, unknown>
      if (parsed.id !== at || Object.keys(parsed).join() !== ['id', ...names].join()) faults.push(`row ${at}: ${line.slice(0, 200)}`)
      for (const name of names) {
        const value = rows[at]![name]
        if (value === null ? parsed[name] !== null : !KINDS[name]!.holds(parsed[name], value as never))
          faults.push(`row ${at}, ${name}: ${JSON.stringify(parsed[name])}, not ${String(value)}`)
      }
    }
    expect(faults.slice(0, 20)).toEqual([])
    // The canonical spelling, which no escape of another case or form has.
    const spelled = lines.filter((line) => canonical(line) !== canonical(JSON.stringify(JSON.parse(line))))
    expect(spelled.slice(0, 3)).toEqual([])
  }, 300_000)

  it('are the same bytes when rows are read column by column', async () => {
    const lines = await inView(lane.connections, mappingOf(entity), (view) => readLines(view, 'nasty'))
    const session = await openSession(lane.connections)
    try {
      const [described] = (await describeEntities(session, { store: 'test', mapping: mappingOf(entity), selection: [{ entity: 'nasty' }] })) as [MysqlEntity]
      const encode = createRowEncoder(described)
      const found = await new Promise<RawRow[]>((resolve, reject) => {
        const sql = `SELECT ${columnsSql(described)} FROM nasty AS t ORDER BY t.id`
        session.client.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() }, (error, raw) =>
          error ? reject(error) : resolve(raw as RawRow[]),
        )
      })
      expect(found.filter((row, at) => encode(row).toString('utf8') !== `${lines[at]}\n`)).toEqual([])
    } finally {
      await session.release()
    }
  }, 300_000)
})
