import { describe, expect, it } from 'vitest'
import { codeLines, sourceFiles } from './source-files.ts'

const sizes = sourceFiles('src', 'adapters', 'web').map(({ path, text }) => ({ path, lines: codeLines(text) }))

describe('rooms small enough to live in', () => {
  it('has no source over 500 lines of code', () => {
    expect(sizes.filter(({ lines }) => lines > 500)).toEqual([])
  })

  it('has a median under 150 lines of code', () => {
    const sorted = sizes.map(({ lines }) => lines).toSorted((a, b) => a - b)
    expect(sorted[sorted.length >> 1]).toBeLessThan(150)
  })

  it('has no utils', () => {
    expect(sizes.filter(({ path }) => /(^|[/-])(utils?|helpers?|misc|common)([/.-]|$)/.test(path))).toEqual([])
  })
})
