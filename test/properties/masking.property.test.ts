import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldDescriptor, FieldType, MaskContext } from '../../src/contracts/index.ts'
import { masks } from '../../src/masking/index.ts'
import { looksSensitive } from '../../src/masking/looks-sensitive.ts'
import { permute } from '../../src/masking/permutation.ts'
import { valueToken } from '../../src/record/index.ts'

const context = (key: string): MaskContext => ({ digest: (text) => createHmac('sha256', key).update(text).digest() })
const field = (kind: Exclude<FieldType['kind'], 'array' | 'dynamic'>, dbType: string): FieldDescriptor => ({
  path: 'f',
  column: 'f',
  type: { kind },
  dbType,
  nullable: true,
  optional: false,
})
const shapeOf = (text: string) =>
  text
    .replace(/[0-9]/g, '0')
    .replace(/[A-Z]/g, 'A')
    .replace(/[a-z]/g, 'a')
    .replace(/[À-ÖØ-öø-ſ]/g, 'é')

describe('a permutation', () => {
  it.each([1n, 2n, 3n, 10n, 17n, 100n, 260n, 1000n])('of %s numbers has each of them once, and another order under another key', (size) => {
    const all = (key: string) => Array.from({ length: Number(size) }, (_, n) => permute(BigInt(n), size, 'x', context(key)))
    expect(new Set(all('a')).size).toBe(Number(size))
    expect(all('a').every((value) => value >= 0n && value < size)).toBe(true)
    expect(all('a')).toEqual(all('a'))
    if (size > 16n) expect(all('a')).not.toEqual(all('b'))
  })
})

describe('a fake', () => {
  it('of text has its shape, and is another for another text', () => {
    const fake = masks.fake().for(field('text', 'text'), context('key'))
    const text = fc.string({ unit: fc.constantFrom(...'abzABZ0189éÜ @.-+'), maxLength: 100 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [x, y] = [fake(a) as string, fake(b) as string]
        expect(shapeOf(x)).toBe(shapeOf(a))
        expect(x === y).toBe(a === b)
        expect(fake(a)).toBe(x)
      }),
      { numRuns: 300 },
    )
  })

  it('of numbers has as many digits, fits the column, and is another for another number', () => {
    const whole = masks.fake().for(field('int', 'integer'), context('key'))
    const ints = fc.integer({ min: -2_147_483_647, max: 2_147_483_647 })
    fc.assert(
      fc.property(ints, ints, (a, b) => {
        const [x, y] = [whole(a) as number, whole(b) as number]
        expect(`${Math.abs(x)}`.length).toBe(`${Math.abs(a)}`.length)
        expect(Math.abs(x)).toBeLessThanOrEqual(2_147_483_647)
        if (a !== 0 && b !== 0) expect(x === y).toBe(a === b)
      }),
      { numRuns: 300 },
    )
    const money = masks.fake().for(field('decimal', 'numeric(10,2)'), context('key'))
    expect(money('1234.50')).toMatch(/^[1-9]\d{3}\.\d\d$/)
  })

  it('of dates is another day of the decade, the time of day as it was', () => {
    const day = masks.fake().for(field('text', 'date'), context('key'))
    const all = Array.from({ length: 3653 }, (_, n) => new Date(Date.UTC(1980, 0, 1 + n)).toISOString().slice(0, 10))
    expect(new Set(all.map(day))).toEqual(new Set(all))
    const time = masks.fake().for(field('timestamp', 'timestamp'), context('key'))
    expect(time('2024-02-29T12:34:56.789')).toMatch(/^202\d-\d\d-\d\dT12:34:56\.789$/)
  })

  it.each(['boolean', 'bytes', 'jsonb', 'float'] as const)('of %s there is none', (kind) => {
    expect(() => masks.fake().for(field(kind, kind), context('key'))).toThrow('has no fake')
  })

  it('says so where a script has no fakes', () => {
    const fake = masks.fake().for(field('text', 'text'), context('key'))
    expect(() => fake('ไทย')).toThrow('letters of a script that has no fakes')
  })
})

it('tells columns that mean somebody from those that do not', () => {
  for (const name of ['email', 'emailAddress', 'user_name', 'BIRTH_DATE', 'address.city', 'phone2', 'apiKey', 'ibanNumber', 'customer_emails', 'zip-code'])
    expect([name, looksSensitive(name)]).toEqual([name, true])
  for (const name of ['id', 'cents', 'status', 'createdAt', 'customer.id', 'quantity', 'renamed', 'shipped', 'description'])
    expect([name, looksSensitive(name)]).toEqual([name, false])
})

it('writes tokens that fit their columns', () => {
  expect(valueToken(field('timestamp', 'timestamp(3) with time zone'), new Date('2024-01-01T00:00:00.120Z'))).toBe('"2024-01-01T00:00:00.12+00"')
  expect(valueToken(field('timestamp', 'timestamp'), new Date('2024-01-01T10:00:00.000Z'))).toBe('"2024-01-01T10:00:00"')
  expect(valueToken(field('bigint', 'bigint'), 5n)).toBe('"5"')
  expect(valueToken(field('bytes', 'bytea'), Buffer.from([0, 255]))).toBe('"AP8="')
  expect(valueToken(field('float', 'real'), -0)).toBe('-0')
  expect(() => valueToken(field('int', 'integer'), 1.5)).toThrow('whole number')
  expect(() => valueToken(field('boolean', 'boolean'), 1)).toThrow('true or false')
})
