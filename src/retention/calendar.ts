/** Units by which snapshots are thinned out. */
export type CalendarUnit = 'hour' | 'day' | 'week' | 'month' | 'year'

/** A length of time by the calendar: a month is as long as it is. Hours are exact. */
export interface CalendarSpan {
  readonly years?: number
  readonly months?: number
  readonly weeks?: number
  readonly days?: number
  readonly hours?: number
}

interface LocalTime {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly ms: number
}

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * Names the unit of the zone's calendar that the instant falls in. The same for all instants of it and for no other: an hour that comes twice when clocks go back has two names, weeks are those
 * of ISO 8601, with the year that they belong to. The host's own zone has no part in it.
 */
export function unitOf(at: number, unit: CalendarUnit, zone: string): string {
  const local = localTime(at, zone)
  const [year, month, day] = [digits(local.year, 4), digits(local.month, 2), digits(local.day, 2)]
  if (unit === 'year') return year
  if (unit === 'month') return `${year}-${month}`
  if (unit === 'week') return isoWeek(local)
  if (unit === 'day') return `${year}-${month}-${day}`
  return `${year}-${month}-${day}T${digits(local.hour, 2)}${sign(offsetOf(at, zone))}`
}

/**
 * So much earlier, by the zone's calendar: a day that the month does not have becomes its last one (one month before 31 March is 28 February), a time that the clocks pass over the instant
 * after the gap, one that comes twice the first of the two.
 */
export function before(at: number, { years = 0, months = 0, weeks = 0, days = 0, hours = 0 }: CalendarSpan, zone: string): number {
  const local = localTime(at, zone)
  const count = local.year * 12 + (local.month - 1) - years * 12 - months
  const [year, month] = [Math.floor(count / 12), (((count % 12) + 12) % 12) + 1]
  const day = Math.min(local.day, daysIn(year, month))
  const shifted = Date.UTC(year, month - 1, day, local.hour, local.minute, local.second, local.ms) - (weeks * 7 + days) * DAY
  return instantOf(shifted, zone) - hours * HOUR
}

/** @throws RangeError for a zone that is not known */
export function assertZone(zone: string): void {
  formatOf(zone)
}

/** `wall`: the local time as if it were UTC. */
function instantOf(wall: number, zone: string): number {
  // Whatever the clocks do there, they do it between a day before and a day after.
  const [earlier, later] = [offsetOf(wall - DAY, zone), offsetOf(wall + DAY, zone)]
  const real = [wall - earlier, wall - later].filter((at) => at + offsetOf(at, zone) === wall)
  return real.length > 0 ? Math.min(...real) : wall - earlier
}

/** Milliseconds that the zone is ahead of UTC at that instant. */
function offsetOf(at: number, zone: string): number {
  const { year, month, day, hour, minute, second, ms } = localTime(at, zone)
  return Date.UTC(year, month - 1, day, hour, minute, second, ms) - at
}

function localTime(at: number, zone: string): LocalTime {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type)!
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
    ms: ((at % 1000) + 1000) % 1000,
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, format)
  return format
}

/** The week that has the Thursday, as ISO 8601 counts: 30 December 2024 is in the first of 2025. */
function isoWeek({ year, month, day }: LocalTime): string {
  const date = Date.UTC(year, month - 1, day)
  const weekday = (new Date(date).getUTCDay() + 6) % 7
  const thursday = new Date(date + (3 - weekday) * DAY)
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  return `${digits(thursday.getUTCFullYear(), 4)}-W${digits(Math.floor((thursday.getTime() - first) / (7 * DAY)) + 1, 2)}`
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

function sign(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000)
  return `${offset < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60), 2)}:${digits(minutes % 60, 2)}`
}

function digits(n: number, width: number): string {
  return String(n).padStart(width, '0')
}
