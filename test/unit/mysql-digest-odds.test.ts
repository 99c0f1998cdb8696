import { describe, expect, it } from 'vitest'
import { DigestOdds } from '../../adapters/sql/mysql/digest-odds.ts'

/** Which of the ranges are digested, by place. */
function digested(changed: readonly boolean[]): number[] {
  const odds = new DigestOdds()
  return [...changed.keys()].filter((place) => {
    if (!odds.worthIt()) return false
    odds.came(changed[place]!)
    return true
  })
}

const times = (count: number, changed: boolean) => Array.from({ length: count }, () => changed)

describe('digests of ranges', () => {
  it('are all asked for where few have changed', () => {
    expect(digested([...times(30, false), true, true, ...times(30, false), true])).toHaveLength(63)
  })

  it('are left out more and more where all have changed, and asked for again when that is over', () => {
    expect(digested(times(60, true))).toEqual([0, 1, 2, 4, 7, 12, 21, 30, 39, 48, 57])
    expect(digested([...times(22, true), ...times(20, false)])).toEqual([0, 1, 2, 4, 7, 12, 21, ...Array.from({ length: 12 }, (_, at) => at + 30)])
  })
})
