import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalEntry, JournalRange, SessionLiveness } from '../../src/archive/index.ts'
import type { RecordBatch } from '../../src/contracts/index.ts'
import { ChunkPipeline } from '../../src/export/chunk-pipeline.ts'
import { replayJournal } from '../../src/export/replay-journal.ts'
import { isAlive, LEASE_MS } from '../../src/export/session-liveness.ts'
import { sliceBatch } from '../../src/export/slice-batch.ts'
import { TaskLanes } from '../../src/export/task-lanes.ts'
import { planOfToken } from '../../src/export/token-plan.ts'
import { VERSION } from '../../src/kernel/version.ts'

describe('slicing a batch', () => {
  const batchOf = (lengths: readonly number[]): RecordBatch => {
    const marks = new Uint32Array(lengths.length * 4)
    let end = 0
    for (const [row, length] of lengths.entries()) {
      const start = end
      end += length
      marks.set([end, start + 1, start + 2, start + 3], row * 4)
    }
    return { bytes: Uint8Array.from({ length: end }, (_, at) => at & 0xff), rows: lengths.length, marks, stride: 4 }
  }

  it('hands a small batch on as it is', () => {
    const batch = batchOf([10, 10])
    expect([...sliceBatch(batch, 20)]).toEqual([batch])
    expect([...sliceBatch(batch, 20)][0]).toBe(batch)
  })

  it('loses and moves nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 4, max: 50 }), { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 200 }), (lengths, maxBytes) => {
        const batch = batchOf(lengths)
        const pieces = [...sliceBatch(batch, maxBytes)]
        expect(Buffer.concat(pieces.map((piece) => piece.bytes)).equals(Buffer.from(batch.bytes))).toBe(true)
        expect(pieces.reduce((rows, piece) => rows + piece.rows, 0)).toBe(lengths.length)
        let start = 0
        const marks: number[] = []
        for (const piece of pieces) {
          expect(piece.marks.length).toBe(piece.rows * 4)
          expect(piece.marks[(piece.rows - 1) * 4]).toBe(piece.bytes.length)
          for (const mark of piece.marks) marks.push(mark + start)
          start += piece.bytes.length
        }
        expect(marks).toEqual([...batch.marks])
        for (const piece of pieces) expect(piece.bytes.length).toBeLessThan(maxBytes + 50)
      }),
    )
  })
})

describe('task lanes', () => {
  it('keep to their capacities and the limit, take turns, and run what tasks add', async () => {
    const tasks = new TaskLanes(3)
    const now = { a: 0, b: 0 }
    const most = { a: 0, b: 0, all: 0 }
    const order: string[] = []
    const lanes = { a: tasks.lane(2), b: tasks.lane(1) }
    const task =
      (lane: 'a' | 'b', name: string, more = 0) =>
      async () => {
        order.push(name)
        now[lane]++
        most[lane] = Math.max(most[lane], now[lane])
        most.all = Math.max(most.all, now.a + now.b)
        await sleep(2)
        for (let n = 0; n < more; n++) lanes[lane].push(task(lane, `${name}.${n}`))
        now[lane]--
      }
    for (let n = 0; n < 5; n++) lanes.a.push(task('a', `a${n}`, 1))
    for (let n = 0; n < 3; n++) lanes.b.push(task('b', `b${n}`))
    await tasks.run()
    expect(order).toHaveLength(13)
    expect(most).toEqual({ a: 2, b: 1, all: 3 })
    expect(order.indexOf('b0')).toBeLessThan(order.indexOf('a2'))
  })

  it('reject with the first failure, once running tasks have ended and without starting others', async () => {
    const tasks = new TaskLanes(2)
    const lane = tasks.lane(2)
    const ended: string[] = []
    lane.push(async () => {
      await sleep(20)
      ended.push('slow')
      throw new Error('second')
    })
    lane.push(async () => {
      await sleep(1)
      throw new Error('first')
    })
    lane.push(async () => void ended.push('never'))
    await expect(tasks.run()).rejects.toThrow('first')
    expect(ended).toEqual(['slow'])
  })

  it('are done when there is nothing to do', async () => {
    const tasks = new TaskLanes(2)
    tasks.lane(1)
    await tasks.run()
  })
})

describe('the chunk pipeline', () => {
  it('reports in order, and lets at most its limit be under way', async () => {
    const reported: number[] = []
    const pipeline = new ChunkPipeline<number>(
      2,
      (value) => reported.push(value),
      () => {},
    )
    let underWay = 0
    let most = 0
    for (let n = 0; n < 12; n++) {
      await pipeline.add(async () => {
        most = Math.max(most, ++underWay)
        await sleep((n * 7) % 5)
        underWay--
        return n
      })
    }
    await pipeline.drain()
    expect(reported).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(most).toBe(2)
  })

  it('reports nothing after a failure, and waits for the rest', async () => {
    const reported: number[] = []
    const failures: unknown[] = []
    const pipeline = new ChunkPipeline<number>(
      3,
      (value) => reported.push(value),
      (error) => failures.push(error),
    )
    let ended = false
    await pipeline.add(async () => 1)
    await pipeline.add(async () => {
      await sleep(1)
      throw new Error('no')
    })
    await pipeline
      .add(async () => {
        await sleep(20)
        ended = true
        return 3
      })
      .catch(() => {})
    await expect(pipeline.drain()).rejects.toThrow('no')
    expect({ reported, ended, failures: failures.length }).toEqual({ reported: [1], ended: true, failures: 1 })
  })
})

describe('replaying a journal', () => {
  const chunk = (from: string | null, to: string | null, rows = 1, schema = 's'): JournalRange => ({
    store: 'default',
    entity: 'Thing',
    bucket: 'main',
    range: { from, to, rows, sha256: 'f'.repeat(64), firstKey: from, lastKey: from, layers: [] },
    evidence: { method: 'sha256', values: {} },
    schema,
  })
  const entry = (n: number, content: Partial<JournalEntry>): JournalEntry => ({ n, attempt: 1, type: 'chunks', at: '2026-01-01T00:00:00Z', ...content })
  const cut = (from: string | null, to: string | null, schema = 's') => ({ store: 'default', entity: 'Thing', range: { from, to }, schema })
  const pieces = (entries: readonly JournalEntry[], schema = 's') =>
    [...replayJournal(entries).image('default', 'Thing', schema).pieces()].map((piece) => [piece.range.from, piece.range.to, piece.known?.rows ?? null])

  it('puts parts that were read side by side in order', () => {
    const entries = [
      entry(1, { cuts: [cut(null, '9'), cut('9', '10'), cut('10', '8')] }),
      entry(2, { ranges: [chunk('10', '11', 3), chunk(null, '2', 1)] }),
      entry(3, { ranges: [chunk('8', null, 4), chunk('11', '8', 5)] }),
    ]
    expect(pieces(entries)).toEqual([
      [null, '2', 1],
      ['2', '9', null],
      ['9', '10', null],
      ['10', '11', 3],
      ['11', '8', 5],
      ['8', null, 4],
    ])
  })

  it('lets a later attempt replace a range, in part or whole', () => {
    const entries = [entry(1, { ranges: [chunk(null, '5', 9), chunk('5', null, 1)] }), entry(2, { ranges: [chunk(null, '3', 2)] })]
    expect(pieces(entries)).toEqual([
      [null, '3', 2],
      ['3', '5', null],
      ['5', null, 1],
    ])
  })

  it('forgets ranges and bounds of another schema, and all of an entity whose entries do not fit', () => {
    const old = entry(1, { cuts: [cut(null, '9', 'old')], ranges: [chunk(null, '5', 1, 'old')] })
    expect(pieces([old])).toEqual([[null, null, null]])
    expect(pieces([old, entry(2, { ranges: [chunk(null, '10', 3)] })])).toEqual([
      [null, '10', 3],
      ['10', null, null],
    ])
    expect(pieces([entry(1, { cuts: [cut(null, '9', 'old')] }), entry(2, { cuts: [cut(null, '10')] })])).toEqual([
      [null, '10', null],
      ['10', null, null],
    ])
    expect(pieces([entry(1, { ranges: [chunk(null, '5', 1), chunk('7', null, 2)] })])).toEqual([[null, null, null]])
    expect([...replayJournal([]).image('default', 'Other', 's').pieces()]).toHaveLength(1)
  })
})

describe('the liveness of a session', () => {
  const liveness: SessionLiveness = {
    attempt: { n: 1, host: 'a', pid: 7, startedAt: '', nonce: '' },
    lastActivityAt: 1_000_000,
    createdAt: 900_000,
    attempts: 1,
    next: 3,
  }
  const newest = (type: JournalEntry['type']): JournalEntry => ({ n: 2, attempt: 1, type, at: '' })
  const host = (name: string, alive: boolean) => ({ name, pid: 1, alive: () => alive })
  const soon = 1_000_000 + LEASE_MS - 1

  it('asks the storage clock, the end mark and, on the same host, the process', () => {
    expect(isAlive(liveness, newest('chunks'), host('b', false), soon)).toBe(true)
    expect(isAlive(liveness, newest('final'), host('b', false), soon)).toBe(true)
    expect(isAlive(liveness, newest('chunks'), host('b', false), soon + 1)).toBe(false)
    expect(isAlive(liveness, newest('chunks'), host('a', true), soon)).toBe(true)
    expect(isAlive(liveness, newest('chunks'), host('a', false), soon)).toBe(false)
    expect(isAlive(liveness, newest('paused'), host('b', true), soon)).toBe(false)
    expect(isAlive(liveness, newest('failed'), host('b', true), soon)).toBe(false)
    expect(isAlive({ ...liveness, attempt: null }, undefined, host('b', true), soon)).toBe(false)
  })
})

describe('the plan of a token', () => {
  it('is found without trust, and refused when there is none', () => {
    expect(planOfToken(`${Buffer.from('{"planId":"shop"}').toString('base64url')}.x`)).toBe('shop')
    for (const text of ['', '.', 'x.y', Buffer.from('{"planId":3}').toString('base64url'), Buffer.from('null').toString('base64url')]) {
      expect(() => planOfToken(text)).toThrow(expect.objectContaining({ code: 'E_TOKEN_INVALID' }))
    }
  })
})

it('knows its own version', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version)
})
