import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BACKUP_PHASES, ProgressFeed, type ProgressSnapshot, ProgressTracker } from '../../src/progress/index.ts'
import { RateMeter } from '../../src/progress/rate-meter.ts'

function fakeClock() {
  let now = 1_000_000
  return { now: () => now, pass: (ms: number) => (now += ms) }
}

function tracker(clock = fakeClock()) {
  return { clock, tracker: new ProgressTracker({ operation: 'backup', id: 'a', phases: BACKUP_PHASES, clock }) }
}

describe('the rate meter', () => {
  it('finds a steady rate at once, however unevenly it is asked', () => {
    const meter = new RateMeter(0)
    meter.sample(100, 100)
    expect(meter.perSecond).toBeCloseTo(1000)
    meter.sample(3000, 3000)
    meter.sample(3001, 3001)
    expect(meter.perSecond).toBeCloseTo(1000)
  })

  it('forgets: long after a burst it says nearly nothing', () => {
    const meter = new RateMeter(0)
    meter.sample(10_000, 1000)
    meter.sample(10_000, 41_000)
    expect(meter.perSecond).toBeLessThan(1)
  })
})

describe('the progress tracker', () => {
  it('never goes back and reaches 100 only when done, whatever the estimates said', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('estimate' as const), entity: fc.nat(2), rows: fc.nat(1000) }),
      fc.record({ kind: fc.constant('advance' as const), entity: fc.nat(2), rows: fc.nat(1000) }),
      fc.record({ kind: fc.constant('reuse' as const), entity: fc.nat(2), rows: fc.nat(1000) }),
      fc.record({ kind: fc.constant('done' as const), entity: fc.nat(2), rows: fc.constant(0) }),
      fc.record({ kind: fc.constant('phase' as const), entity: fc.nat(BACKUP_PHASES.length - 1), rows: fc.constant(0) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { tracker: progress, clock } = tracker()
        const meters = ['A', 'B', 'C'].map((name) => progress.entity('default', name))
        let last = 0
        for (const { kind, entity, rows } of steps) {
          const meter = meters[entity]!
          if (kind === 'estimate') meter.estimate(rows, rows * 100)
          if (kind === 'advance') meter.advance(rows, rows * 100)
          if (kind === 'reuse') meter.reuse(rows, rows * 100)
          if (kind === 'done') meter.state('done')
          if (kind === 'phase') progress.enter(BACKUP_PHASES[entity]!.phase)
          clock.pass(50)
          const { percent } = progress.snapshot()
          expect(percent).toBeGreaterThanOrEqual(last)
          expect(percent).toBeLessThan(100)
          last = percent
        }
        progress.enter('done')
        expect(progress.snapshot().percent).toBe(100)
      }),
    )
  })

  it('adds up entities, and says what was reused', () => {
    const { tracker: progress } = tracker()
    const orders = progress.entity('default', 'Order')
    const lines = progress.entity('default', 'OrderLine')
    orders.estimate(100, 10_000)
    lines.estimate(300, 30_000)
    progress.enter('copying')
    orders.reuse(60, 6000)
    orders.advance(40, 4000)
    orders.state('done')
    lines.advance(150, 15_000)
    const snapshot = progress.snapshot()
    expect(snapshot).toMatchObject({ phase: 'copying', records: 250, estimatedRecords: 400, plainBytes: 25_000 })
    expect(snapshot.entities[0]).toEqual({ store: 'default', entity: 'Order', state: 'done', rows: 100, estimatedRows: 100, reusedRows: 60, bytes: 10_000 })
    expect(snapshot.percent).toBeGreaterThan(50)
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
  })

  it('judges the remaining time by how fast it gets on, and knows none at first and at the end', () => {
    const { tracker: progress, clock } = tracker()
    const orders = progress.entity('default', 'Order')
    orders.estimate(1000, 1_000_000_000)
    progress.enter('copying')
    expect(progress.snapshot().remainingMs).toBeNull()
    for (let second = 0; second < 5; second++) {
      clock.pass(1000)
      orders.advance(100, 100_000)
      progress.snapshot()
    }
    const { remainingMs, recordsPerSecond } = progress.snapshot()
    expect(recordsPerSecond).toBe(100)
    expect(remainingMs).toBeGreaterThan(3500)
    expect(remainingMs).toBeLessThan(7000)
    progress.enter('failed')
    expect(progress.snapshot()).toMatchObject({ remainingMs: null, phase: 'failed' })
  })

  it('stands still after the end', () => {
    const { tracker: progress, clock } = tracker()
    clock.pass(700)
    progress.enter('done')
    clock.pass(5000)
    expect(progress.snapshot().elapsedMs).toBe(700)
  })
})

describe('the progress feed', () => {
  function feed(intervalMs?: number) {
    const { tracker: progress } = tracker()
    const meter = progress.entity('default', 'Order')
    let taken = 0
    const errors: unknown[] = []
    const made = new ProgressFeed({
      read: () => {
        taken++
        return progress.snapshot()
      },
      onHandlerError: (error) => errors.push(error),
      ...(intervalMs === undefined ? {} : { intervalMs }),
    })
    return { progress, meter, feed: made, errors, taken: () => taken }
  }

  it('gives the latest to a slow reader, queues nothing, and ends with the last state', async () => {
    const { progress, meter, feed: made } = feed(5)
    const seen: ProgressSnapshot[] = []
    const over = Promise.withResolvers<void>()
    const reading = (async () => {
      for await (const snapshot of made.iterate()) {
        seen.push(snapshot)
        // It is busy with its second one until all the others have come.
        if (seen.length === 2) await over.promise
      }
    })()
    for (let step = 0; step < 40; step++) {
      meter.advance(1, 10)
      made.touch()
      await sleep(4)
    }
    while (seen.length < 2) {
      made.touch()
      await sleep(4)
    }
    progress.enter('done')
    made.end()
    over.resolve()
    await reading
    expect(seen).toHaveLength(3)
    expect(seen.at(-1)).toMatchObject({ phase: 'done', percent: 100, records: 40 })
    expect(seen.map((snapshot) => snapshot.records)).toEqual(seen.map((snapshot) => snapshot.records).toSorted((a, b) => a - b))
  })

  it('calls handlers at most ten times a second, and takes no snapshot for nobody', async () => {
    const { meter, feed: made, taken } = feed()
    made.touch()
    expect(taken()).toBe(0)
    let calls = 0
    const stop = made.subscribe(() => calls++)
    const start = performance.now()
    while (performance.now() - start < 450) {
      meter.advance(1, 1)
      made.touch()
      await sleep(1)
    }
    expect(calls).toBeGreaterThanOrEqual(3)
    expect(calls).toBeLessThanOrEqual(6)
    stop()
    const before = taken()
    made.touch()
    await sleep(150)
    expect(taken()).toBe(before)
    made.end()
    expect(calls).toBeLessThanOrEqual(6)
  })

  it('keeps going when a handler throws', async () => {
    const { feed: made, errors } = feed(1)
    const seen: string[] = []
    made.subscribe(() => {
      throw new Error('mine')
    })
    made.subscribe((snapshot) => seen.push(snapshot.phase))
    made.end()
    expect(errors).toHaveLength(1)
    expect(seen).toHaveLength(1)
  })

  it('answers late comers with the last state and ends', async () => {
    const { progress, feed: made } = feed()
    progress.enter('done')
    made.end()
    const seen: ProgressSnapshot[] = []
    for await (const snapshot of made.iterate()) seen.push(snapshot)
    expect(seen.map((snapshot) => snapshot.percent)).toEqual([100])
    made.subscribe((snapshot) => seen.push(snapshot))
    expect(seen).toHaveLength(2)
  })

  it('lets go of a reader that leaves early', async () => {
    const { feed: made, meter, taken } = feed(1)
    for await (const _ of made.iterate()) break
    const before = taken()
    meter.advance(1, 1)
    made.touch()
    await sleep(20)
    expect(taken()).toBe(before)
  })

  it('answers two calls of next() in turn', async () => {
    const { feed: made, progress } = feed(1)
    const reader = made.iterate()
    const both = Promise.all([reader.next(), reader.next()])
    await sleep(20)
    progress.enter('done')
    made.end()
    const [first, second] = await both
    expect(first.done).toBe(false)
    expect(second).toMatchObject({ done: false, value: { phase: 'done' } })
    expect(await reader.next()).toMatchObject({ done: true })
  })
})
