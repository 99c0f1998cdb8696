import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { RawText, type StoredValue } from '../../src/record/index.ts'
import { createSqliteFile, linesOf, readAll, type SqliteFile, tableMapping } from '../support/sqlite.ts'

/** One column for each affinity, and what ORMs declare. */
const COLUMNS = {
  i: 'INTEGER',
  r: 'REAL',
  n: 'DECIMAL(10,2)',
  d: 'DATETIME',
  o: 'BOOLEAN',
  t: 'VARCHAR(255)',
  b: 'BLOB',
  u: '',
} as const
const NAMES = Object.keys(COLUMNS)

const NASTY_TEXT = [
  '',
  ' ',
  'null',
  '\u0000',
  'a\u0000b',
  '\u2028\u2029',
  '\u0085\u000b\u000c\u001f\u007f',
  '"\\/\b\f\n\r\t',
  '__proto__',
  'constructor',
  '\ufeffbom',
  '\uffff\ufffe',
  '😀👨‍👩‍👧',
  '1e5',
  '007',
  '9223372036854775808',
  '0x10',
  'Infinity',
  'NaN',
  '2024-02-29T12:34:56.123456Z',
  '99999999999999999999999999999999999999.99',
]
const NASTY_BYTES = [[], [0], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x61, 0xff, 0x62], [0xf0, 0x9f, 0x98], [0x0a, 0x0d, 0x00]]

const integer = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)),
)
const real = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 0.1 + 0.2, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, Infinity, -Infinity, 2 ** 53, 2 ** 63, 1e15 + 0.3),
)
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constantFrom(...NASTY_TEXT))
const rawText = fc.oneof(fc.uint8Array(), fc.constantFrom(...NASTY_BYTES.map((bytes) => Uint8Array.from(bytes)))).map((bytes) => new RawText(bytes))
const blob = fc.oneof(fc.uint8Array(), fc.constantFrom(...NASTY_BYTES.map((bytes) => Uint8Array.from(bytes))))
const anything = fc.oneof(fc.constant(null), integer, real, text, { arbitrary: rawText, weight: 1 }, blob)

let files: SqliteFile[] = []
afterEach(() => {
  for (const file of files) file.close()
  files = []
})

function open(wal = true): SqliteFile {
  const file = createSqliteFile({ wal })
  files.push(file)
  return file
}

/** Every value as SQLite itself sees it: class, bytes of TEXT and BLOB, integers as text, and the double itself for REAL. */
function picture(file: SqliteFile, table: string, order: string): unknown[][] {
  const columns = ['id', ...NAMES].map(
    (name) =>
      `typeof(${name}), CASE typeof(${name}) WHEN 'real' THEN ${name} WHEN 'text' THEN hex(CAST(${name} AS BLOB)) WHEN 'blob' THEN hex(${name}) ELSE CAST(${name} AS TEXT) END`,
  )
  return file.rows(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY ${order}`)
}

function expectSame(found: unknown[][], expected: unknown[][]): void {
  expect(found.length).toBe(expected.length)
  for (const [at, row] of expected.entries()) {
    for (const [column, value] of row.entries())
      if (!Object.is(found[at]![column], value)) expect({ row: at, column, value: found[at]![column] }).toEqual({ row: at, column, value })
  }
}

async function copy(source: SqliteFile, target: SqliteFile, mode: 'direct' | 'staged', keyFields = 1): Promise<number> {
  const mapping = [tableMapping('things', ['id', ...NAMES], { keyFields })]
  const selection = [{ entity: 'things' }]
  const view = await source.store(mapping).openView({ entities: selection })
  const batches = await readAll(view, 'things')
  const restore = await target.store(mapping).openTarget({ entities: selection, restoreId: 'r1' })
  try {
    const item = { record: view.entities[0]!, entity: 'things', policy: 'fail' as const, lines: linesOf(batches), mode }
    if (mode === 'staged') expect(await restore.stage(item)).toMatchObject({ problems: [] })
    const report = await restore.merge([item], { sequences: [] })
    // What was written is, read back the same way, the same bytes.
    const again = await target.store(mapping).openView({ entities: selection })
    expect(Buffer.concat((await readAll(again, 'things')).map(({ bytes }) => bytes)).equals(Buffer.concat(batches.map(({ bytes }) => bytes)))).toBe(true)
    await again.close()
    return report.entities[0]!.created
  } finally {
    await restore.close()
    await view.close()
  }
}

describe('SQLite values, out and back', () => {
  it.each(['direct', 'staged'] as const)('case 34: come back with the same class and bytes in every affinity (%s)', { timeout: 240_000 }, async (mode) => {
    const ROWS = 10_000
    const declared = `CREATE TABLE things (id INTEGER PRIMARY KEY, ${NAMES.map((name) => `${name} ${COLUMNS[name as keyof typeof COLUMNS]}`).join(', ')})`
    const [source, target] = [open(), open(mode === 'direct')]
    source.exec(declared)
    target.exec(declared)
    source.exec('BEGIN')
    const rows = fc.sample(fc.array(anything, { minLength: NAMES.length, maxLength: NAMES.length }), { numRuns: ROWS, seed: mode === 'direct' ? 1 : 2 })
    for (const [at, row] of rows.entries()) source.insert('things', [BigInt(at) * 3n - 5000n, ...row])
    source.exec('COMMIT')
    expect(await copy(source, target, mode)).toBe(ROWS)
    expectSame(picture(target, 'things', 'id'), picture(source, 'things', 'id'))
    const classes = source.rows(`SELECT count(DISTINCT typeof(u)) FROM things`)
    expect(classes).toEqual([[5n]])
  })

  it('come back when they are the key, of any class and in any order', async () => {
    const declared = `CREATE TABLE things (id ANY NOT NULL, ${NAMES.map((name) => `${name} ${COLUMNS[name as keyof typeof COLUMNS]}`).join(', ')}, PRIMARY KEY (id, i, t)) WITHOUT ROWID`
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(...Array.from({ length: 9 }, () => anything)), { maxLength: 200 }), async (rows) => {
        const [source, target] = [open(), open()]
        for (const file of [source, target]) file.exec(declared.replace('PRIMARY KEY (id, i, t)', 'PRIMARY KEY (id, i, r)'))
        source.exec('BEGIN')
        for (const row of rows) {
          const values = row.map((value: StoredValue, at) => (at < 3 && value === null ? 0n : value))
          try {
            source.insert('things', values)
          } catch (error) {
            expect(String(error)).toMatch(/UNIQUE/)
          }
        }
        source.exec('COMMIT')
        await copy(source, target, 'direct', 3)
        expectSame(picture(target, 'things', 'id, i, r'), picture(source, 'things', 'id, i, r'))
      }),
      { numRuns: 30 },
    )
  })

  it('come back when they are large: 16 MiB of text, of bytes, and many rows of 100 kB', { timeout: 120_000 }, async () => {
    const declared = `CREATE TABLE things (id INTEGER PRIMARY KEY, ${NAMES.map((name) => `${name} ${COLUMNS[name as keyof typeof COLUMNS]}`).join(', ')})`
    const [source, target] = [open(), open()]
    source.exec(declared)
    target.exec(declared)
    const nulls = NAMES.slice(2).map(() => null)
    source.insert('things', [1n, 'é'.repeat(8 * 1024 * 1024), null, ...nulls])
    source.insert('things', [2n, Buffer.alloc(16 * 1024 * 1024, 7), null, ...nulls])
    for (let id = 3n; id < 300n; id++) source.insert('things', [id, 'x\u0000'.repeat(50_000), null, ...nulls])
    expect(await copy(source, target, 'direct')).toBe(299)
    expectSame(picture(target, 'things', 'id'), picture(source, 'things', 'id'))
  })
})
