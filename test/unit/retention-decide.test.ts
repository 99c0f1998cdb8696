import { describe, expect, it } from 'vitest'
import { checkRetention, decideRetention, type RetainableSnapshot, type RetentionPolicy, type RetentionStrategy } from '../../src/retention/index.ts'

const DAY = 24 * 60 * 60 * 1000
const NOW = Date.parse('2026-11-21T12:00:00Z')
const CLOCK = { now: NOW, skewMs: 5 * 60 * 1000 }

/** Whole, nobody's business, with a chunk of its own of 10 bytes and one of 100 that all share. */
const plain = (n: number) => ({
  whole: true,
  held: false,
  metadata: {} as Readonly<Record<string, string>>,
  chunks: new Map([
    ['shared', 100],
    [`own-${n}`, 10],
  ]),
})

/** Snapshots `a`, `b` … at these times. */
const at = (...times: readonly (string | number)[]) =>
  times.map((time, n) => ({ id: String.fromCharCode(97 + n), at: typeof time === 'number' ? time : Date.parse(time), ...plain(n) }))
const kept = (snapshots: ReturnType<typeof at>, policy: RetentionPolicy) =>
  Object.fromEntries(decideRetention(snapshots, policy, CLOCK).flatMap(({ id, reasons }) => (reasons.length > 0 ? [[id, reasons]] : [])))

describe('retention', () => {
  it('keeps of each unit the newest, as many as it is told, and says by which rule', () => {
    const days = at('2026-11-18T08:00Z', '2026-11-19T08:00Z', '2026-11-19T20:00Z', '2026-11-20T08:00Z', '2026-11-21T08:00Z', '2026-11-21T09:00Z')
    expect(kept(days, { daily: 3 })).toEqual({ f: ['newest', 'daily 2026-11-21'], d: ['daily 2026-11-20'], c: ['daily 2026-11-19'] })
    expect(kept(days, { last: 2 })).toEqual({ f: ['newest', 'last 1'], e: ['last 2'] })
    expect(kept(days, { last: 1, hourly: 2 })).toEqual({ f: ['newest', 'last 1', 'hourly 2026-11-21T09+00:00'], e: ['hourly 2026-11-21T08+00:00'] })
  })

  it('counts days that have a snapshot, not days that pass', () => {
    expect(Object.keys(kept(at('2026-01-01', '2026-06-01', '2026-11-01'), { daily: 2 }))).toEqual(['c', 'b'])
  })

  it('keeps the oldest of a history that is shorter than a rule, and all where it has no end', () => {
    const months = at('2026-09-01', '2026-09-20', '2026-10-20', '2026-11-20')
    expect(kept(months, { monthly: 6 })).toMatchObject({ a: ['monthly oldest'], b: ['monthly 2026-09'] })
    expect(Object.keys(kept(months, { monthly: 3 }))).toEqual(['d', 'c', 'b'])
    expect(Object.keys(kept(months, { last: -1 }))).toEqual(['d', 'c', 'b', 'a'])
    expect(Object.keys(kept(months, { monthly: -1 }))).toEqual(['d', 'c', 'b'])
  })

  it('does not mistake the unit of one rule for that of another', () => {
    // The year 2024 and a day, a month, a week of it are counted apart.
    const times = at('2022-05-05', '2023-05-05', '2024-05-04', '2024-05-05')
    expect(kept(times, { daily: 1, yearly: 2 })).toEqual({ d: ['newest', 'daily 2024-05-05', 'yearly 2024'], b: ['yearly 2023'] })
  })

  it('counts ages from the newest: when backups stop, nothing ages', () => {
    const old = at(NOW - 400 * DAY, NOW - 393 * DAY, NOW - 390 * DAY)
    expect(Object.keys(kept(old, { within: { days: 7 } }))).toEqual(['c', 'b'])
  })

  it('keeps what is dated in the future, counts it for nothing, and does not age the others by it', () => {
    const times = at(NOW - 3 * DAY, NOW - DAY, NOW + 60_000, NOW + 30 * DAY)
    expect(kept(times, { within: { days: 2 } })).toEqual({ d: ['future'], c: ['newest', 'within'], b: ['within'] })
    expect(kept(times, { last: 1 })).toEqual({ d: ['future'], c: ['newest', 'last 1'] })
  })

  it('case 28: counts no snapshot of which something is missing: older ones that are whole stay in its place', () => {
    const times = at('2026-11-17', '2026-11-18', '2026-11-19', '2026-11-20').map((one) => ({ ...one, whole: one.id < 'c' }))
    expect(kept(times, { last: 1, daily: 1 })).toEqual({ d: ['not-whole'], c: ['not-whole'], b: ['newest', 'last 1', 'daily 2026-11-18'] })
  })

  it('keeps the newest whole one whatever the rules, and decides the same in whatever order it is told', () => {
    const times = at(...Array.from({ length: 25 }, (_, n) => NOW - n * 0.4 * DAY))
    const policy: RetentionPolicy = { last: 3, daily: 5, weekly: 2, within: { hours: 30 }, zone: 'Europe/Berlin' }
    const expected = decideRetention(times, policy, CLOCK)
    expect(decideRetention(times.toReversed(), policy, CLOCK)).toEqual(expected)
    expect(expected[0]!.reasons).toContain('newest')
    expect(decideRetention([], policy, CLOCK)).toEqual([])
    // Deciding again on what was kept keeps all of it: running it twice deletes nothing more.
    const left = times.filter(({ id }) => expected.find((one) => one.id === id)!.reasons.length > 0)
    expect(decideRetention(left, policy, CLOCK).filter(({ reasons }) => reasons.length === 0)).toEqual([])
  })

  describe('with limits', () => {
    const days = () => at(...Array.from({ length: 6 }, (_, n) => NOW - (5 - n) * DAY))
    const limits = (snapshots: ReturnType<typeof at>, policy: RetentionPolicy) =>
      Object.fromEntries(decideRetention(snapshots, policy, CLOCK).flatMap(({ id, limit }) => (limit === null ? [] : [[id, limit]])))

    it('takes what rules keep beyond an age, a count or a size, and says by which', () => {
      expect(Object.keys(kept(days(), { daily: 30, maxAge: { days: 2 } }))).toEqual(['f', 'e'])
      expect(limits(days(), { daily: 30, maxAge: { days: 2 } })).toEqual({ a: 'maxAge', b: 'maxAge', c: 'maxAge', d: 'maxAge' })
      expect(limits(days(), { daily: 30, maxCount: 4 })).toEqual({ a: 'maxCount', b: 'maxCount' })
      // The shared chunk once, and its own of each.
      expect(limits(days(), { daily: 30, maxBytes: 130 })).toEqual({ a: 'maxBytes', b: 'maxBytes', c: 'maxBytes' })
      expect(limits(days(), { daily: 30, maxBytes: 129 })).toMatchObject({ d: 'maxBytes' })
      // What no rule keeps does not go by a limit.
      expect(limits(days(), { last: 2, maxCount: 1 })).toEqual({ e: 'maxCount' })
    })

    it('keeps all that is within them where there is no rule', () => {
      expect(kept(days(), { maxCount: 2 })).toEqual({ f: ['newest', 'limits'], e: ['limits'] })
      expect(limits(days(), { maxCount: 2 })).toEqual({ a: 'maxCount', b: 'maxCount', c: 'maxCount', d: 'maxCount' })
    })

    it('takes neither the newest, nor what is held, tagged, not whole or dated in the future; their bytes count', () => {
      const some = days()
      const odd = [
        { ...some[0]!, held: true },
        { ...some[1]!, metadata: { release: '2' } },
        { ...some[2]!, whole: false },
        ...some.slice(3),
        { ...some[0]!, id: 'z', at: NOW + DAY },
      ]
      for (const limit of [{ maxAge: { hours: 1 } }, { maxCount: 1 }, { maxBytes: 1 }])
        expect(kept(odd, { last: -1, tagged: ['release'], ...limit })).toEqual({
          z: ['future'],
          f: ['newest', 'last 1'],
          c: ['not-whole'],
          b: ['last 4', 'tagged release'],
          a: ['held', 'last 5'],
        })
      // 100, and 10 each of f, b and a: for e there are 10 left.
      expect(limits(odd, { last: -1, tagged: ['release'], maxBytes: 140 })).toEqual({ d: 'maxBytes' })
    })

    it('lets no small old one outlive a large new one', () => {
      const some = days()
      const large = some.map((one) => (one.id === 'e' ? { ...one, chunks: new Map([['large', 1000]]) } : one))
      expect(Object.keys(kept(large, { last: -1, maxBytes: 500 }))).toEqual(['f'])
    })
  })

  it('keeps what is tagged, by name or by name and value', () => {
    const [a, b, c] = at('2026-11-18', '2026-11-19', '2026-11-20')
    const tagged = [{ ...a!, metadata: { release: '1', by: 'ada' } }, { ...b!, metadata: { release: '2=3' } }, c!]
    expect(kept(tagged, { tagged: ['release'] })).toEqual({ c: ['newest'], b: ['tagged release'], a: ['tagged release'] })
    expect(kept(tagged, { tagged: ['release=2=3', 'by=eve', 'constructor'] })).toEqual({ c: ['newest'], b: ['tagged release=2=3'] })
  })

  it('asks a strategy of the application about the whole ones, newest first, and refuses an answer that it does not understand', () => {
    const times = at('2026-11-17', '2026-11-18', '2026-11-19', NOW + 30 * DAY)
    const told: unknown[] = []
    const odd = times.map((one) => (one.id === 'b' ? { ...one, whole: false } : one))
    const policy = {
      strategy: (snapshots: readonly RetainableSnapshot[]) => {
        told.push(...snapshots)
        return new Map([['a', 'end of the quarter']])
      },
    }
    expect(kept(odd, policy)).toEqual({ d: ['future'], c: ['newest'], b: ['not-whole'], a: ['strategy end of the quarter'] })
    expect(told).toEqual(['c', 'a'].map((id) => ({ id, at: times.find((one) => one.id === id)!.at, metadata: {}, bytes: 110 })))
    const wrong: readonly (() => unknown)[] = [() => ['a'], () => new Map([['b', 'not whole']]), () => new Map([['a', '']]), () => Promise.resolve(new Map())]
    for (const strategy of wrong) expect(() => kept(odd, { strategy: strategy as RetentionStrategy })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
    const failing = (): never => {
      throw new Error('no quarter is known')
    }
    expect(() => kept(odd, { strategy: failing })).toThrow('no quarter is known')
  })

  it.each<[string, unknown, string]>([
    ['nothing', {}, 'keeps nothing'],
    ['all zero', { last: 0, daily: 0 }, 'keeps nothing'],
    ['a half', { last: 1.5 }, '`keep.last` is 1.5'],
    ['less than all', { daily: -2 }, '`keep.daily` is -2'],
    ['an unknown rule', { dayly: 3 }, 'did you mean `daily`?'],
    ['no tag', { tagged: [] }, '`keep.tagged`'],
    ['a tag without a name', { tagged: ['=x'] }, '`keep.tagged`'],
    ['a size of nothing', { last: 1, maxBytes: 0 }, '`keep.maxBytes` is 0'],
    ['a count of nothing', { maxCount: 0 }, '`keep.maxCount` is 0'],
    ['an age of nothing', { maxAge: {} }, '`keep.maxAge`'],
    ['a strategy that is none', { strategy: 'oldest' }, '`keep.strategy`'],
    ['no time', { within: {} }, '`keep.within`'],
    ['a time of 0', { within: { days: 0 } }, '`keep.within`'],
    ['a zone that is none', { last: 1, zone: 'Middle/Earth' }, 'is no time zone'],
  ])('case 25: a policy of %s is refused', (_, policy, message) => {
    expect(() => checkRetention(policy as RetentionPolicy)).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(message) }))
  })
})
