import { describe, expect, it } from 'vitest'
import { ReadPace } from '../../adapters/sql/postgres/copy/read-pace.ts'

/** Feeds 8 KiB chunks; `restMs` is what a rest costs beyond what it gathers. Returns whether the last chunk was followed by a rest. */
function run(chunks: number, directMs: number, restMs: number, disturb?: (index: number) => boolean): boolean[] {
  let now = 0
  const pace = new ReadPace(() => now)
  let rests = false
  return Array.from({ length: chunks }, (_, index) => {
    now += rests ? restMs : directMs
    if (disturb?.(index)) pace.disturbed()
    return (rests = pace.rests(8192))
  })
}

describe('the pace of reading', () => {
  it('rests when that costs little', () => {
    expect(run(2000, 0.05, 0.045).at(-1)).toBe(true)
    expect(run(2000, 0.05, 0.06).at(-1)).toBe(true)
  })

  it('gives resting up when it is slow, before much time is lost', () => {
    const rested = run(2000, 0.05, 1)
    expect(rested.at(-1)).toBe(false)
    expect(rested.filter(Boolean).length).toBeLessThan(25)
  })

  it('reads a short copy as it comes', () => {
    expect(run(200, 0.05, 0.01).every((rests) => !rests)).toBe(true)
  })

  it('measures again when the reader itself was paused', () => {
    expect(run(2000, 0.05, 0.045, (index) => index % 100 === 0 && index < 1900).some(Boolean)).toBe(false)
  })

  it('remembers for the next copy on the socket, but does not keep a short one waiting', () => {
    let now = 0
    const pace = new ReadPace(() => now)
    const chunk = () => {
      now += 0.05
      return pace.rests(8192)
    }
    for (let index = 0; index < 1000; index++) chunk()
    pace.begin()
    const next = Array.from({ length: 20 }, chunk)
    expect(next.slice(0, 15).some(Boolean)).toBe(false)
    expect(next.slice(15).every(Boolean)).toBe(true)
  })

  it('never rests after a full chunk', () => {
    const pace = new ReadPace(() => 0)
    for (let index = 0; index < 1000; index++) pace.rests(8192)
    expect(pace.rests(65_536)).toBe(false)
    expect(pace.rests(8192)).toBe(true)
  })
})
