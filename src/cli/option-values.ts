import { InvalidArgumentError } from 'commander'

/** Collects a repeated option. */
export function collected(text: string, known: readonly string[] = []): readonly string[] {
  return [...known, text]
}

/** Collects a repeated `name=value` option. */
export function nameValue(text: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected name=value.')
  const name = text.slice(0, at)
  if (Object.hasOwn(known, name)) throw new InvalidArgumentError(`"${name}" is given twice.`)
  return { ...known, [name]: text.slice(at + 1) }
}

/** Collects a repeated `name=value` option of which a name may have several values. */
export function nameValues(text: string, known: Readonly<Record<string, readonly string[]>> = {}): Record<string, readonly string[]> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected name=value.')
  const name = text.slice(0, at)
  return { ...known, [name]: [...(Object.hasOwn(known, name) ? known[name]! : []), text.slice(at + 1)] }
}

/** Collects a repeated option of a name alone, or `name=value`. */
export function fact(text: string, known: readonly string[] = []): readonly string[] {
  if (!/^[^=]/.test(text)) throw new InvalidArgumentError('Expected a name, or name=value.')
  return [...known, text]
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90m`, `24h`, `7d`: milliseconds. */
export function timeSpan(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) throw new InvalidArgumentError('Expected a number and a unit: 30s, 90m, 24h, 7d.')
  return Number(amount) * UNIT_MS[unit]!
}

/** `14d`, `1y6mo`, `36h`: lengths by the calendar. */
export function calendarSpan(text: string): Record<string, number> {
  const found = /^(?:(\d{1,4})y)?(?:(\d{1,4})mo)?(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?$/.exec(text)
  if (!found || text === '') throw new InvalidArgumentError('Expected lengths, the longest first: 14d, 1y6mo, 2w, 36h.')
  const names = ['years', 'months', 'weeks', 'days', 'hours']
  return Object.fromEntries(names.flatMap((name, at) => (found[at + 1] === undefined ? [] : [[name, Number(found[at + 1])]])))
}

/** `12`, or `all`. */
export function countOrAll(text: string): number {
  return text === 'all' ? -1 : wholeNumber(text)
}

const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** `500000`, `20MiB`: bytes. */
export function byteCount(text: string): number {
  const [, amount, unit] = /^(\d{1,12})(KiB|MiB|GiB)?$/.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('Expected a number of bytes, or with a unit: 512KiB, 20MiB, 1GiB.')
  return Number(amount) * UNIT_BYTES[unit ?? '']!
}
