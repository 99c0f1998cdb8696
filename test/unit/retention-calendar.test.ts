import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { before, type CalendarSpan, type CalendarUnit, unitOf } from '../../src/retention/calendar.ts'
import { ROOT } from '../architecture/source-files.ts'

const UNITS: readonly CalendarUnit[] = ['hour', 'day', 'week', 'month', 'year']

/** Instant, zone, and the names of its hour, day, week, month and year. Written by hand, from calendars. */
const NAMED: readonly (readonly [at: string, zone: string, ...names: string[]])[] = [
  ['2026-11-21T10:30:00Z', 'UTC', '2026-11-21T10+00:00', '2026-11-21', '2026-W47', '2026-11', '2026'],
  // Clocks go back: the hour from two to three comes twice.
  ['2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-25T02+02:00', '2026-10-25', '2026-W43', '2026-10', '2026'],
  ['2026-10-25T01:30:00Z', 'Europe/Berlin', '2026-10-25T02+01:00', '2026-10-25', '2026-W43', '2026-10', '2026'],
  // Clocks go forward: two follows on one without a third hour between them.
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', '2026-03-29T01+01:00', '2026-03-29', '2026-W13', '2026-03', '2026'],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', '2026-03-29T03+02:00', '2026-03-29', '2026-W13', '2026-03', '2026'],
  // Weeks belong to the year of their Thursday.
  ['2024-12-30T12:00:00Z', 'UTC', '2024-12-30T12+00:00', '2024-12-30', '2025-W01', '2024-12', '2024'],
  ['2021-01-03T12:00:00Z', 'UTC', '2021-01-03T12+00:00', '2021-01-03', '2020-W53', '2021-01', '2021'],
  ['2021-01-04T00:00:00Z', 'UTC', '2021-01-04T00+00:00', '2021-01-04', '2021-W01', '2021-01', '2021'],
  // A leap day, and the day that Apia left out: 29 December 2011 is followed by the 31st.
  ['2024-02-29T23:59:59Z', 'UTC', '2024-02-29T23+00:00', '2024-02-29', '2024-W09', '2024-02', '2024'],
  ['2011-12-30T09:59:59Z', 'Pacific/Apia', '2011-12-29T23-10:00', '2011-12-29', '2011-W52', '2011-12', '2011'],
  ['2011-12-30T10:00:00Z', 'Pacific/Apia', '2011-12-31T00+14:00', '2011-12-31', '2011-W52', '2011-12', '2011'],
  // A year's end that is another day elsewhere, and hours that are not whole.
  ['2026-12-31T20:00:00Z', 'Asia/Kolkata', '2027-01-01T01+05:30', '2027-01-01', '2026-W53', '2027-01', '2027'],
  ['2026-01-01T04:00:00Z', 'America/New_York', '2025-12-31T23-05:00', '2025-12-31', '2026-W01', '2025-12', '2025'],
]

/** Instant, span, zone, and the instant so much earlier. */
const EARLIER: readonly (readonly [at: string, span: CalendarSpan, zone: string, expected: string])[] = [
  // Months have the lengths that they have.
  ['2026-03-31T12:00:00Z', { months: 1 }, 'UTC', '2026-02-28T12:00:00.000Z'],
  ['2024-03-31T12:00:00Z', { months: 1 }, 'UTC', '2024-02-29T12:00:00.000Z'],
  ['2024-02-29T12:00:00Z', { years: 1 }, 'UTC', '2023-02-28T12:00:00.000Z'],
  ['2026-01-15T12:00:00Z', { months: 13 }, 'UTC', '2024-12-15T12:00:00.000Z'],
  ['2026-05-31T00:00:00.123Z', { years: 1, months: 3, days: 1 }, 'UTC', '2025-02-27T00:00:00.123Z'],
  // A day of 25 hours, one of 23, and hours that are exact all the same.
  ['2026-10-26T12:00:00+01:00', { days: 1 }, 'Europe/Berlin', '2026-10-25T11:00:00.000Z'],
  ['2026-10-25T12:00:00+01:00', { days: 1 }, 'Europe/Berlin', '2026-10-24T10:00:00.000Z'],
  ['2026-10-25T12:00:00+01:00', { hours: 24 }, 'Europe/Berlin', '2026-10-24T11:00:00.000Z'],
  ['2026-03-29T12:00:00+02:00', { weeks: 1 }, 'Europe/Berlin', '2026-03-22T11:00:00.000Z'],
  // Half past two comes twice on 25 October: the first is taken. On 29 March it does not come: what follows the gap is.
  ['2026-10-26T02:30:00+01:00', { days: 1 }, 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
  ['2026-03-30T02:30:00+02:00', { days: 1 }, 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
  // The day that is not there.
  ['2011-12-31T12:00:00+14:00', { days: 1 }, 'Pacific/Apia', '2011-12-30T22:00:00.000Z'],
]

const named = () => NAMED.map(([at, zone]) => UNITS.map((unit) => unitOf(Date.parse(at), unit, zone)))
const earlier = () => EARLIER.map(([at, span, zone]) => new Date(before(Date.parse(at), span, zone)).toISOString())

describe('case 26: clock changes, leap days, weeks of two years, months of other lengths', () => {
  it.each(NAMED.map((row, at) => [row[0], row[1], at] as const))('%s in %s', (_at, _zone, row) => {
    expect(named()[row]).toEqual(NAMED[row]!.slice(2))
  })

  it.each(EARLIER.map(([at, span, zone], row) => [at, JSON.stringify(span), zone, row] as const))('%s less %s in %s', (_at, _span, _zone, row) => {
    expect(earlier()[row]).toBe(EARLIER[row]![3])
  })

  it.each(['UTC', 'America/New_York', 'Pacific/Apia', 'Australia/Lord_Howe'])('are the same on a host whose zone is %s', (zone) => {
    const module = JSON.stringify(join(ROOT, 'src/retention/calendar.ts'))
    const script = `const { unitOf, before } = await import(${module}); const [named, earlier, units] = ${JSON.stringify([NAMED, EARLIER, UNITS])}
      console.log(JSON.stringify([named.map(([at, zone]) => units.map((unit) => unitOf(Date.parse(at), unit, zone))), earlier.map(([at, span, zone]) => new Date(before(Date.parse(at), span, zone)).toISOString())]))`
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { ...process.env, TZ: zone } })
    expect(JSON.parse(told)).toEqual([named(), earlier()])
  })

  it('name every hour of a year once, whatever the clocks do, and every unit of it together', () => {
    for (const zone of ['Europe/Berlin', 'Australia/Lord_Howe']) {
      const start = Date.parse('2026-01-01T00:00:00Z')
      for (const unit of UNITS) {
        const seen = new Set<string>()
        let last = ''
        for (let hour = 0; hour < 24 * 366; hour += unit === 'hour' ? 1 : 5) {
          const name = unitOf(start + hour * 3_600_000, unit, zone)
          if (name === last) continue
          expect(seen.has(name), `${zone} ${unit} ${name} comes back`).toBe(false)
          seen.add((last = name))
        }
      }
    }
  })
})
