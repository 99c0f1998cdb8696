import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffKeys, type RangeChange } from '../../src/export/diff-keys.ts'

/** Carries the steps out as a reader of a delta does. */
function apply(base: readonly string[], changes: readonly RangeChange[]): string[] {
  const merged = base.map((key) => ({ key, version: 'old' }))
  let at: number | null = null
  for (const change of changes) {
    const place = merged.findIndex(({ key }) => key === change.key)
    if (change.do === 'delete') merged.splice(place, 1)
    else if (change.do === 'anchor') at = place
    else if (place >= 0) merged[place]!.version = 'new'
    else merged.splice(++at!, 0, { key: change.key!, version: 'new' })
  }
  return merged.map(({ key, version }) => `${key} ${version}`)
}

describe('what turns one range into another', () => {
  it('is right for any keys, added, removed and changed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), fc.uniqueArray(fc.nat(40)), fc.array(fc.nat(40)), (some, others, touched) => {
        const inOrder = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b).map((number) => `[${number}]`)
        const [base, live] = [inOrder(some), inOrder(others)]
        const changed = new Set(live.filter((key) => !base.includes(key) || touched.includes(Number(key.slice(1, -1)))))
        const changes = diffKeys(base, live, changed)!
        expect(apply(base, changes)).toEqual(live.map((key) => `${key} ${changed.has(key) ? 'new' : 'old'}`))
      }),
    )
  })

  it('is not told for keys in another order, keys that stand twice, or records nobody has', () => {
    expect(diffKeys(['[1]', '[2]'], ['[2]', '[1]'], new Set())).toBeNull()
    expect(diffKeys(['[1]', '[1]'], ['[1]'], new Set())).toBeNull()
    expect(diffKeys(['[1]'], ['[1]', '[1]'], new Set())).toBeNull()
    expect(diffKeys(['[1]', '[1]'], ['[1]', '[1]'], new Set())).toBeNull()
    expect(diffKeys([], ['[2]', '[2]'], new Set(['[2]']))).toBeNull()
    expect(diffKeys(['[1]'], ['[1]', '[2]'], new Set())).toBeNull()
  })
})
