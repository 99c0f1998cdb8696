import { describe, expect, it } from 'vitest'
import { planReads } from '../../src/export/plan-reads.ts'
import { storedRange } from '../../src/export/stored-range.ts'

const CHUNK = 1000
const evidence = { method: 'test', values: {} }
type Decision = Parameters<typeof planReads>[0][number]
type Spec = readonly ['reuse' | 'read', number, number?]

/** `[action, bytes known, bytes now]` of adjacent ranges; a row is one byte. */
function decisions(...ranges: readonly Spec[]): Decision[] {
  return ranges.map(([action, bytes, now = bytes], at) => {
    const from = at === 0 ? null : `[${at}]`
    const to = at === ranges.length - 1 ? null : `[${at + 1}]`
    const layers = bytes === 0 ? [] : [{ plainBytes: bytes } as never]
    const known = storedRange({ from, to, rows: bytes, sha256: '', firstKey: null, lastKey: null, layers }, evidence, false)
    const range = { from, to }
    return action === 'reuse' ? { action, range, known, evidence, method: 'xmin' } : { action, range, known, evidence, reason: 'rows', rows: now }
  })
}

function planned(...ranges: readonly Spec[]) {
  const { reuse, reads, deltas } = planReads(decisions(...ranges), CHUNK)
  expect(deltas).toEqual([])
  return { reuse: reuse.map(({ range }) => range.from), reads: reads.map(({ range, cutBytes }) => [range.from, range.to, cutBytes]) }
}

describe('what is read of known ranges', () => {
  it('is each changed range by itself, when they are of ordinary size', () => {
    expect(planned(['read', 900], ['read', 900], ['reuse', 900], ['read', 1000], ['reuse', 10])).toEqual({
      reuse: ['[2]', '[4]'],
      reads: [
        [null, '[1]', 945],
        ['[1]', '[2]', 945],
        ['[3]', '[4]', 1050],
      ],
    })
  })

  it('joins neighbours that shrank', () => {
    expect(planned(['read', 900, 100], ['read', 900, 200], ['read', 900, 600], ['read', 900, 800], ['reuse', 900])).toEqual({
      reuse: ['[4]'],
      reads: [
        [null, '[3]', 945],
        ['[3]', '[4]', 840],
      ],
    })
  })

  it('takes a sliver along that did not change, and nothing larger', () => {
    expect(planned(['reuse', 240], ['read', 900, 700], ['reuse', 300], ['read', 900, 100], ['reuse', 900])).toEqual({
      reuse: ['[2]', '[4]'],
      reads: [
        [null, '[2]', 987],
        ['[3]', '[4]', 500],
      ],
    })
  })

  it('leaves slivers alone when nothing beside them is read', () => {
    expect(planned(['reuse', 10], ['reuse', 10], ['reuse', 10])).toEqual({ reuse: [null, '[1]', '[2]'], reads: [] })
  })

  it('cuts what grew into equal parts, and what grew a little not at all', () => {
    expect(planned(['read', 1000, 1200], ['read', 1000, 2400], ['reuse', 900]).reads).toEqual([
      [null, '[1]', 1260],
      ['[1]', '[2]', 1260],
    ])
  })

  it('fills the last range up chunk by chunk', () => {
    expect(planned(['reuse', 900], ['read', 1000, 2400]).reads).toEqual([['[1]', null, CHUNK]])
  })

  it('reads a range that became empty, and one that was', () => {
    expect(planned(['read', 900, 0], ['reuse', 900], ['read', 0, 50]).reads).toEqual([
      [null, '[1]', CHUNK],
      ['[2]', null, CHUNK],
    ])
  })
})
