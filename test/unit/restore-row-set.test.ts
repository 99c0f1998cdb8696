import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf, RowSet } from '../../src/restore/row-set.ts'

async function* piecesOf(lines: readonly string[], sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, piece = 0; at < lines.length; piece++) {
    const count = sizes[piece % sizes.length]!
    yield Buffer.from(lines.slice(at, (at += count)).join(''))
  }
}

describe('some rows of a range', () => {
  it('are given out by their lines, whatever the pieces', async () => {
    const lines = fc.array(
      fc.string({ maxLength: 5 }).map((text) => `${JSON.stringify(text)}\n`),
      { maxLength: 60 },
    )
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(lines, sizes, fc.func(fc.boolean()), async (all, cut, wanted) => {
        const rows = new RowSet(all.length)
        const expected = all.filter((_, row) => wanted(row))
        for (let row = all.length - 1; row >= 0; row--) if (wanted(row)) rows.add(row)
        let text = ''
        for await (const piece of linesOf(piecesOf(all, cut), rows)) text += Buffer.from(piece).toString()
        expect(text).toBe(expected.join(''))
        expect(rows.size).toBe(expected.length)
      }),
    )
  })

  it('are counted once, and found by their order', () => {
    const rows = new RowSet(20)
    for (const row of [3, 19, 8, 3]) rows.add(row)
    expect(rows.size).toBe(3)
    expect([1, 2, 3].map((n) => rows.nth(n))).toEqual([3, 8, 19])
    expect(() => rows.nth(4)).toThrow(RangeError)
  })
})
