import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { type PhaseShare, type ProgressHandler, type ProgressSnapshot, ProgressTracker } from '../../src/progress/index.ts'
import { IdempotentStarts } from '../../web/fastify/idempotent-starts.ts'
import { SessionEvents } from '../../web/fastify/session-events.ts'
import { eventStream } from '../../web/fastify/sse.ts'

const PHASES: readonly PhaseShare[] = [{ phase: 'copying', share: 1 }]

/** A session whose progress is said by hand. */
function session(result: () => Promise<unknown> = () => Promise.resolve('done')) {
  const tracker = new ProgressTracker({ operation: 'backup', id: 'x', phases: PHASES })
  const meter = tracker.entity('default', 'Order')
  const handlers = new Set<ProgressHandler>()
  const tell = (snapshot: ProgressSnapshot) => handlers.forEach((handler) => handler(snapshot))
  return {
    handlers,
    result,
    onProgress: (handler: ProgressHandler) => {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
    advance() {
      meter.advance(1, 10)
      tell(tracker.snapshot())
    },
    end(how: 'done' | 'failed' | 'paused') {
      tracker.enter(how)
      tell(tracker.snapshot())
    },
  }
}

function parse(text: string) {
  const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? []
  return { id: Number(id), event, data: JSON.parse(data ?? 'null') as { records?: number; state?: string; error?: { code: string } | null } }
}

const all = (events: SessionEvents) => events.since(0).map(({ text }) => parse(text))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the events of a session', () => {
  it('come once per interval, the latest state winning', async () => {
    const source = session()
    const events = new SessionEvents(source, { intervalMs: 250, onStop: () => {} })
    for (let n = 0; n < 100; n++) {
      source.advance()
      await vi.advanceTimersByTimeAsync(10)
    }
    const seen = all(events)
    expect(seen.map(({ data }) => data.records)).toEqual([1, 25, 50, 75, 100])
    expect(seen.every(({ event }) => event === 'progress')).toBe(true)
  })

  it('are numbered in one ascending row, after those of any session before', async () => {
    const first = session()
    const before = new SessionEvents(first, { intervalMs: 250, onStop: () => {} })
    for (let n = 0; n < 40; n++) {
      first.advance()
      await vi.advanceTimersByTimeAsync(250)
    }
    first.end('paused')
    await vi.advanceTimersByTimeAsync(0)
    const ids = all(before).map(({ id }) => id)
    expect(ids).toEqual(ids.map((_, index) => ids[0]! + index))

    const second = session()
    const after = new SessionEvents(second, { intervalMs: 250, onStop: () => {} })
    second.advance()
    await vi.advanceTimersByTimeAsync(250)
    expect(all(after)[0]!.id).toBeGreaterThan(ids.at(-1)!)
  })

  it('end with the state, the error by its code alone, and nothing after', async () => {
    const source = session(() => Promise.reject(new HoldfastError('E_STORE_FAILED', 'row ann@example.test is locked', { details: { keys: ['1'] } })))
    const onStop = vi.fn<() => void>()
    const events = new SessionEvents(source, { intervalMs: 250, onStop })
    source.advance()
    source.end('failed')
    source.advance()
    await vi.advanceTimersByTimeAsync(1000)
    expect(all(events)).toMatchObject([{ event: 'end', data: { state: 'failed', error: { code: 'E_STORE_FAILED', details: {} } } }])
    expect(JSON.stringify(all(events))).not.toContain('ann@example.test')
    expect(onStop).toHaveBeenCalledOnce()
    expect(source.handlers.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are kept to a bound', async () => {
    const source = session()
    const events = new SessionEvents(source, { intervalMs: 250, onStop: () => {} })
    for (let n = 0; n < 200; n++) {
      source.advance()
      await vi.advanceTimersByTimeAsync(250)
    }
    const kept = all(events)
    expect(kept).toHaveLength(64)
    expect(kept.at(-1)!.data.records).toBe(200)
  })

  it('stop when told to, leaving no timer and no listener', async () => {
    const source = session()
    const onStop = vi.fn<() => void>()
    const events = new SessionEvents(source, { intervalMs: 250, onStop })
    source.advance()
    events.stop()
    events.stop()
    await vi.advanceTimersByTimeAsync(1000)
    expect(all(events)).toEqual([])
    expect([vi.getTimerCount(), source.handlers.size, onStop.mock.calls.length]).toEqual([0, 0, 1])
  })
})

describe('a stream of events', () => {
  const follow = async (after: number | null) => {
    const source = session()
    const events = new SessionEvents(source, { intervalMs: 250, onStop: () => {} })
    const client = new AbortController()
    const step = async () => {
      source.advance()
      await vi.advanceTimersByTimeAsync(250)
    }
    return { source, events, client, step, stream: () => eventStream(events, { after, heartbeatMs: 1000, signal: client.signal })[Symbol.asyncIterator]() }
  }
  const next = async (stream: AsyncIterator<string>) => (await stream.next()).value as string

  it('gives a slow reader the latest event and not those in between', async () => {
    const { events, step, stream } = await follow(null)
    const reader = stream()
    expect(await next(reader)).toMatch(/^retry: /)
    await step()
    expect(parse(await next(reader)).data.records).toBe(1)
    for (let n = 0; n < 20; n++) await step()
    const late = [parse(await next(reader)), parse(await next(reader))].map(({ data }) => data.records)
    // One may have been fetched ahead; the rest was passed over.
    expect(late[1]).toBe(21)
    expect(events.since(0)).toHaveLength(21)
  })

  it('gives whoever comes back all that is kept, in order', async () => {
    const { events, step, client } = await follow(null)
    for (let n = 0; n < 5; n++) await step()
    const ids = all(events).map(({ id }) => id)
    const reader = eventStream(events, { after: ids[1]!, heartbeatMs: 1000, signal: client.signal })[Symbol.asyncIterator]()
    await next(reader)
    expect([parse(await next(reader)).id, parse(await next(reader)).id, parse(await next(reader)).id]).toEqual(ids.slice(2))
  })

  it('ends after the end, and when its client is gone', async () => {
    const { source, step, stream, client } = await follow(null)
    await step()
    source.end('done')
    await vi.advanceTimersByTimeAsync(0)
    const whole = stream()
    await next(whole)
    expect(parse(await next(whole))).toMatchObject({ event: 'end', data: { state: 'done', error: null } })
    expect(await whole.next()).toMatchObject({ done: true })

    const other = await follow(null)
    const reader = other.stream()
    await next(reader)
    const waiting = reader.next()
    other.client.abort()
    expect(await waiting).toMatchObject({ done: true })
    expect(vi.getTimerCount()).toBe(0)
    expect(client.signal.aborted).toBe(false)
  })
})

describe('idempotent starts', () => {
  it('start once for one key, also when asked twice at once', async () => {
    const starts = new IdempotentStarts()
    let calls = 0
    const start = async () => ({ id: String(++calls), token: 't' })
    const both = await Promise.all([starts.run('a', '{}', start), starts.run('a', '{}', start)])
    expect(both).toEqual([
      { id: '1', token: 't' },
      { id: '1', token: 't' },
    ])
    expect(await starts.run('b', '{}', start)).toEqual({ id: '2', token: 't' })
    await expect(starts.run('a', '{"plan":"other"}', start)).rejects.toMatchObject({ code: 'E_REQUEST' })
    expect(calls).toBe(2)
  })

  it('forget what failed, and the oldest of too many', async () => {
    const starts = new IdempotentStarts()
    await expect(starts.run('a', '{}', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await starts.run('a', '{}', async () => ({ id: '1', token: 't' }))).toMatchObject({ id: '1' })
    for (let n = 0; n < 1000; n++) await starts.run(`k${n}`, '{}', async () => ({ id: `k${n}`, token: 't' }))
    expect(await starts.run('a', '{}', async () => ({ id: 'anew', token: 't' }))).toMatchObject({ id: 'anew' })
    expect(await starts.run('k999', '{}', async () => ({ id: 'anew', token: 't' }))).toMatchObject({ id: 'k999' })
  })
})
