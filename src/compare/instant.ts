/** Microseconds since 1970, which is all that databases tell apart; the ends of time are above and below everything. */
export type Instant = bigint

const END_OF_TIME = 10n ** 30n

const INSTANT = /^(\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d){0,2})?( BC)?$/

/**
 * The instant that a text or a `Date` means; without a zone it is UTC. Null for what means none. PostgreSQL's `infinity` is after, and `-infinity` before all others; zero dates of MySQL are
 * before all that are real, as the database has it.
 */
export function instantOf(value: string | Date): Instant | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : BigInt(value.getTime()) * 1000n
  if (value === 'infinity') return END_OF_TIME
  if (value === '-infinity') return -END_OF_TIME
  const found = INSTANT.exec(value)
  if (!found) return null
  const [, year = '', month = '', day = '', hours = '0', minutes = '0', seconds = '0', fraction = '', zone = 'Z', beforeChrist] = found
  // A day or a month may be zero, too: it stands behind the last real day before it.
  if (month === '00' || day === '00') return -END_OF_TIME + BigInt(`${year}${month}${day}`)
  const at = new Date(0)
  at.setUTCFullYear(beforeChrist === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day))
  if (at.getUTCMonth() !== Number(month) - 1 || at.getUTCDate() !== Number(day)) return null
  if (Number(hours) > 24 || Number(minutes) > 59 || Number(seconds) > 60) return null
  at.setUTCHours(Number(hours), Number(minutes), Number(seconds))
  const micros = BigInt(fraction.padEnd(6, '0').slice(0, 6))
  return Number.isNaN(at.getTime()) ? null : (BigInt(at.getTime()) - BigInt(offsetSeconds(zone)) * 1000n) * 1000n + micros
}

/** PostgreSQL prints offsets of old local times to the second. */
function offsetSeconds(zone: string): number {
  if (zone === 'Z') return 0
  const [hours = 0, minutes = 0, seconds = 0] = zone.slice(1).replaceAll(':', '').match(/\d\d/g)!.map(Number)
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds)
}
