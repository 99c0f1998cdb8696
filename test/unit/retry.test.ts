import { describe, expect, it } from 'vitest'
import { isTransientFailure } from '../../src/contracts/index.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { Retrier, type RetryOptions } from '../../src/kernel/retry.ts'

/** Time that passes only while somebody sleeps. */
function rig(options: RetryOptions = {}, random = 0) {
  let time = 0
  const pauses: number[] = []
  const retrier = new Retrier(options, {
    isTransient: isTransientFailure,
    now: () => time,
    random: () => random,
    sleep: async (ms) => {
      pauses.push(ms)
      time += ms
    },
  })
  return { retrier, pauses }
}

const failure = (details = {}) => new HoldfastError('E_STORAGE', 'down', { details })

/** Fails the first `times` calls. */
function failing(times: number, error = () => failure()) {
  let calls = 0
  return {
    work: async () => {
      if (calls++ < times) throw error()
      return calls
    },
    get calls() {
      return calls
    },
  }
}

describe('a call is tried again', () => {
  it('after pauses that double up to the longest, until the tries are used up', async () => {
    const { retrier, pauses } = rig({ attempts: 6, firstDelayMs: 100, longestDelayMs: 500 })
    const call = failing(9)
    await expect(retrier.run(call.work)).rejects.toMatchObject({ code: 'E_STORAGE', details: { attempts: 6 } })
    expect(pauses).toEqual([100, 200, 400, 500, 500])
    expect(call.calls).toBe(6)
  })

  it('after any part of the pause, as chance will have it', async () => {
    const { retrier, pauses } = rig({ firstDelayMs: 100 }, 0.75)
    expect(await retrier.run(failing(1).work)).toBe(2)
    expect(pauses).toEqual([25])
  })

  it('not before the storage said to come again', async () => {
    const { retrier, pauses } = rig({ firstDelayMs: 100 })
    await retrier.run(failing(1, () => failure({ retryAfterMs: 4000 })).work)
    expect(pauses).toEqual([4000])
  })

  it('not beyond the time that a call has', async () => {
    const { retrier } = rig({ attempts: 50, firstDelayMs: 1000, longestDelayMs: 1000, totalMs: 3500 })
    const call = failing(99)
    await expect(retrier.run(call.work)).rejects.toMatchObject({ details: { attempts: 4 } })
  })

  it.each([
    ['a name that is taken', new HoldfastError('E_STORAGE_EXISTS', 'taken')],
    ['a right that is missing', new HoldfastError('E_PERMISSION', 'denied')],
    ['a storage that is full', new HoldfastError('E_STORAGE_FULL', 'full')],
    ['an fsync that failed', failure({ fatal: true })],
    ['a request that is wrong', failure({ transient: false })],
    ['a bug', new TypeError('undefined')],
  ])('but not after %s', async (_, error) => {
    const call = failing(1, () => error as HoldfastError)
    await expect(rig().retrier.run(call.work)).rejects.toBe(error)
    expect(call.calls).toBe(1)
  })

  it('as long as all calls together have tries in hand, which successes earn', async () => {
    const { retrier } = rig({ attempts: 3, budget: 3 })
    const first = failing(99)
    await expect(retrier.run(first.work)).rejects.toThrow()
    const second = failing(99)
    await expect(retrier.run(second.work)).rejects.toThrow()
    const third = failing(99)
    await expect(retrier.run(third.work)).rejects.toThrow()
    expect([first.calls, second.calls, third.calls]).toEqual([3, 2, 1])
    for (let n = 0; n < 10; n++) await retrier.run(async () => n)
    expect(await retrier.run(failing(1).work)).toBe(2)
  })
})

describe('an abort', () => {
  it('ends a try, also one that does not listen', async () => {
    const controller = new AbortController()
    const { retrier } = rig()
    const never = retrier.run(() => new Promise(() => {}), { signal: controller.signal })
    controller.abort()
    await expect(never).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('ends the pause between two', async () => {
    const controller = new AbortController()
    const retrier = new Retrier({ firstDelayMs: 60_000 }, { isTransient: isTransientFailure })
    const call = retrier.run(failing(1).work, { signal: controller.signal })
    setTimeout(() => controller.abort(), 10)
    await expect(call).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  it('before the first keeps it from being made', async () => {
    const call = failing(0)
    await expect(rig().retrier.run(call.work, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(call.calls).toBe(0)
  })
})

it('a try without an answer is given up, told so by its signal, and made again', async () => {
  const { retrier } = rig({ attemptTimeoutMs: 20 })
  const told: unknown[] = []
  let calls = 0
  const result = await retrier.run((signal) => {
    if (calls++ > 0) return Promise.resolve('late')
    signal.addEventListener('abort', () => told.push(signal.reason))
    return new Promise<string>(() => {})
  })
  expect(result).toBe('late')
  expect(told).toMatchObject([{ code: 'E_STORAGE', details: { timeoutMs: 20 } }])
})

it.each([{ attempts: 0 }, { attempts: Number.NaN }, { budget: -1 }, { firstDelayMs: -1 }, { atempts: 3 } as never])('%o is refused', (options) => {
  expect(() => new Retrier(options, { isTransient: () => true })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }))
})
