import type { FieldDescriptor } from '../contracts/entity-descriptor.ts'
import type { MaskContext } from '../contracts/masker.ts'
import { ExactNumber, ValueError } from '../record/index.ts'
import { fakeText } from './fake-text.ts'
import { permute } from './permutation.ts'

/** Greatest values of the whole numbers whose type is narrower than their digits. */
const GREATEST: Readonly<Record<string, bigint>> = {
  smallint: 32_767n,
  integer: 2_147_483_647n,
  int: 2_147_483_647n,
  mediumint: 8_388_607n,
  tinyint: 127n,
  bigint: 9_223_372_036_854_775_807n,
}
const DAY_MS = 86_400_000

/** Which way of faking fits the column; `ValueError` when none does. */
export function fakeFor(field: FieldDescriptor, seed: string, context: MaskContext): (value: unknown) => unknown {
  const { type, dbType } = field
  switch (type.kind) {
    case 'int':
      return (value) => Number(fakeNumber(textOf(value), seed, greatest(dbType), context))
    case 'bigint':
    case 'decimal':
      return (value) => fakeNumber(textOf(value), seed, greatest(dbType), context)
    case 'timestamp':
      return (value) => fakeDay(textOf(value), seed, context)
    case 'text':
      if (/^date\b/i.test(dbType)) return (value) => fakeDay(textOf(value), seed, context)
      if (/^(?:json|xml|enum|set|inet|cidr|interval|time)\b/i.test(dbType)) throw new ValueError(`${dbType} has no fake: choose fixed, null or custom`)
      return (value) => textOrRefuse(textOf(value), seed, context, /^uuid\b/i.test(dbType))
    case 'dynamic':
      return (value) => {
        if (typeof value === 'number' || value instanceof ExactNumber || typeof value === 'bigint')
          return asNumber(fakeNumber(textOf(value), seed, BigInt(Number.MAX_SAFE_INTEGER), context))
        const text = textOf(value)
        return /^\d{4}-\d\d-\d\d(?:[ T]|$)/.test(text) ? fakeDay(text, seed, context) : textOrRefuse(text, seed, context, false)
      }
    default:
      throw new ValueError(`${type.kind} has no fake: choose fixed, null or custom`)
  }
}

/** As text; what stands for a value that SQLite stores in an unusual way has none. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return `${value}`
  if (value instanceof ExactNumber) return value.source
  throw new ValueError('a text or a number was expected')
}

function textOrRefuse(text: string, seed: string, context: MaskContext, hex: boolean): string {
  const made = fakeText(text, `fake\n${seed}`, context, hex)
  if (made === null) throw new ValueError('it has letters of a script that has no fakes: choose hash, fixed or custom')
  return made
}

/** As many digits, the first of several not 0, and no more than the column holds. */
function fakeNumber(text: string, seed: string, most: bigint | null, context: MaskContext): string {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? []
  if (whole === undefined || sign === undefined) throw new ValueError('a number of plain digits was expected')
  const digits = whole.length + Math.max(0, fraction.length - 1)
  const lowest = whole.length > 1 ? 10n ** BigInt(digits - 1) : 0n
  const label = `number\n${seed}\n${sign}${whole.length}.${fraction.length}`
  let value = BigInt(whole + fraction.slice(1)) - lowest
  do value = permute(value, 10n ** BigInt(digits) - lowest, label, context)
  while (most !== null && fraction === '' && value + lowest > most)
  const made = (value + lowest).toString().padStart(digits, '0')
  return `${sign}${made.slice(0, whole.length)}${fraction === '' ? '' : `.${made.slice(whole.length)}`}`
}

/** Another day of the same decade; the time of day stays. */
function fakeDay(text: string, seed: string, context: MaskContext): string {
  const [, decade, rest] = /^(\d{3})\d-\d\d-\d\d(.*)$/s.exec(text) ?? []
  const at = Date.parse(`${text.slice(0, 10)}T00:00:00Z`)
  if (decade === undefined || rest === undefined || rest.endsWith(' BC') || Number.isNaN(at)) throw new ValueError('a date of the years 0 to 9999 was expected')
  const first = Date.parse(`${decade}0-01-01T00:00:00Z`)
  const days = BigInt((Date.parse(`${decade}9-12-31T00:00:00Z`) - first) / DAY_MS + 1)
  const day = permute(BigInt((at - first) / DAY_MS), days, `day\n${seed}\n${decade}`, context)
  return new Date(first + Number(day) * DAY_MS).toISOString().slice(0, 10) + rest
}

function asNumber(text: string): number | ExactNumber {
  return `${Number(text)}` === text ? Number(text) : new ExactNumber(text)
}

function greatest(dbType: string): bigint | null {
  return GREATEST[/^[a-z]+/i.exec(dbType)?.[0].toLowerCase() ?? ''] ?? null
}
