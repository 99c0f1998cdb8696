import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Sleep, sleep } from '../../src/kernel/sleep.ts'
import { Throttle } from '../../src/kernel/throttle.ts'

/** Time that passes only where somebody waits for it, or where the test lets it pass. */
function fakeClock() {
  let now = 0
  const wait: Sleep = async (ms, signals) => {
    if (!signals.some(({ aborted }) => aborted)) now += ms
  }
  return { now: () => now, sleep: wait, pass: (ms: number) => (now += ms) }
}

describe('a throttle', () => {
  it('holds the rate over any window by a fake clock, whatever is spent and however long readers rest', async () => {
    const step = fc.record({ amount: fc.integer({ min: 1, max: 5000 }), rest: fc.integer({ min: 0, max: 3000 }) })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 10_000 }), fc.array(step, { minLength: 1, maxLength: 60 }), async (perSecond, steps) => {
        const clock = fakeClock()
        const throttle = new Throttle({ perSecond, ...clock })
        const spent: { at: number; amount: number }[] = []
        for (const { amount, rest } of steps) {
          await throttle.ready([])
          spent.push({ at: clock.now(), amount })
          throttle.spend(amount)
          clock.pass(rest)
        }
        for (const [from, first] of spent.entries()) {
          let sum = 0
          // What the last read brings is known only when it is there.
          for (const { at, amount } of spent.slice(from)) {
            expect(sum).toBeLessThanOrEqual(((at - first.at) / 1000 + 1) * perSecond + 1e-6)
            sum += amount
          }
        }
      }),
    )
  })

  it('reaches the rate by a fake clock: who always wants more gets all of it', async () => {
    const clock = fakeClock()
    const throttle = new Throttle({ perSecond: 1000, ...clock })
    for (let batch = 0; batch < 100; batch++) {
      await throttle.ready([])
      throttle.spend(300)
    }
    await throttle.ready([])
    expect(clock.now()).toBeCloseTo(30_000, 0)
  })

  it('shares the rate between readers', async () => {
    const clock = fakeClock()
    const throttle = new Throttle({ perSecond: 1000, ...clock })
    const reader = async () => {
      for (let batch = 0; batch < 10; batch++) {
        await throttle.ready([])
        throttle.spend(500)
      }
    }
    await Promise.all([reader(), reader(), reader()])
    await throttle.ready([])
    expect(clock.now()).toBeGreaterThanOrEqual(15_000 - 1)
  })

  it('ends a wait at once when a signal aborts, and leaves neither timer nor listener', async () => {
    const throttle = new Throttle({ perSecond: 1 })
    throttle.spend(1_000_000)
    const controller = new AbortController()
    const began = performance.now()
    const waiting = throttle.ready([new AbortController().signal, controller.signal])
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    controller.abort()
    await waiting
    expect(performance.now() - began).toBeLessThan(200)
    expect(timers()).toBe(before - 1)
    await throttle.ready([controller.signal])
  })
})

describe('sleep', () => {
  it('lasts as long as it says, and not at all under an aborted signal', async () => {
    const began = performance.now()
    await sleep(40, [])
    expect(performance.now() - began).toBeGreaterThanOrEqual(38)
    await sleep(10_000, [AbortSignal.abort()])
    expect(performance.now() - began).toBeLessThan(1000)
  })
})
