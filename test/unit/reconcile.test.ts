import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeyRange, KnownRange } from '../../src/contracts/index.ts'
import { type Decision, KeyImage, reconcile } from '../../src/reconcile/index.ts'
import { InMemoryStore } from '../support/in-memory-store.ts'

const key = (id: number) => `[${id}]`
const range = (from: number | null, to: number | null): KeyRange => ({ from: from === null ? null : key(from), to: to === null ? null : key(to) })
const pieces = <K>(image: KeyImage<K>) => [...image.pieces()].map((piece) => [piece.range.from, piece.range.to, piece.known])

describe('the key image', () => {
  it('is one unknown piece at first', () => {
    expect(pieces(new KeyImage())).toEqual([[null, null, null]])
  })

  it('keeps pieces in order without comparing keys', () => {
    const image = new KeyImage<string>()
    image.cut({ from: null, to: 'm' })
    image.cut({ from: 'm', to: 'b' })
    image.know({ from: 'b', to: 'c' }, 'third')
    image.know({ from: null, to: 'z' }, 'first')
    expect(pieces(image)).toEqual([
      [null, 'z', 'first'],
      ['z', 'm', null],
      ['m', 'b', null],
      ['b', 'c', 'third'],
      ['c', null, null],
    ])
  })

  it('forgets what is cut, and replaces what is filled again', () => {
    const image = new KeyImage<string>()
    image.know({ from: null, to: 'k' }, 'old')
    image.know({ from: null, to: 'e' }, 'new')
    expect(pieces(image)).toEqual([
      [null, 'e', 'new'],
      ['e', 'k', null],
      ['k', null, null],
    ])
  })

  it('forgets a known piece that is cut', () => {
    const image = KeyImage.of([{ range: range(null, null) }])
    expect(image.cut(range(null, 5))).toBe(true)
    expect(pieces(image)).toEqual([
      [null, key(5), null],
      [key(5), null, null],
    ])
  })

  it('refuses ranges that lie elsewhere', () => {
    const image = new KeyImage<string>()
    image.cut({ from: null, to: 'k' })
    expect(() => image.know({ from: 'c', to: 'k' }, 'x')).toThrow(RangeError)
    expect(() => image.know({ from: null, to: null }, 'x')).toThrow(RangeError)
    image.cut({ from: 'k', to: 'p' })
    expect(() => image.know({ from: null, to: 'p' }, 'x')).toThrow(RangeError)
  })

  it('joins pieces, and forgets what was known of them', () => {
    const image = KeyImage.of([range(null, 2), range(2, 5), range(5, 7), range(7, null)].map((part) => ({ range: part })))
    expect(image.cut(range(2, 7))).toBe(true)
    const pieces = () => [...image.pieces()].map((piece) => [piece.range, piece.known !== null])
    expect(pieces()).toEqual([
      [range(null, 2), true],
      [range(2, 7), false],
      [range(7, null), true],
    ])
    image.know(range(2, 3), { range: range(2, 3) })
    expect(image.cut(range(3, null))).toBe(true)
    expect(pieces()).toEqual([
      [range(null, 2), true],
      [range(2, 3), true],
      [range(3, null), false],
    ])
    expect(() => image.cut(range(2, 2))).toThrow(RangeError)
    expect(() => image.cut(range(7, null))).toThrow(RangeError)
  })

  it('is made from known ranges with gaps', () => {
    const known = [range(2, 5), range(5, 7), range(9, null)].map((part) => ({ range: part }))
    expect([...KeyImage.of(known).pieces()].map((piece) => [piece.range, piece.known !== null])).toEqual([
      [range(null, 2), false],
      [range(2, 5), true],
      [range(5, 7), true],
      [range(7, 9), false],
      [range(9, null), true],
    ])
    expect(() => KeyImage.of([{ range: range(2, 5) }, { range: range(2, 5) }, { range: range(null, null) }])).toThrow(RangeError)
  })
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function store(ids: readonly number[]) {
  const made = new InMemoryStore({ tables: [{ entity: 'Thing', fields: { id: 'int', name: 'text' }, key: ['id'] }] })
  made.put('Thing', ...ids.map((id) => ({ id, name: `n${id}` })))
  return made
}

async function decide<K extends KnownRange>(from: InMemoryStore, image: KeyImage<K>, parts = 1): Promise<Decision<K>[]> {
  const view = await from.openView({ entities: [{ entity: 'Thing' }], parallel: 2 })
  try {
    return await collect(reconcile({ view, entity: 'Thing', image, parts }))
  } finally {
    await view.close()
  }
}

/** What a chunk of the range would be known by, if it were read now. */
function knownNow(from: InMemoryStore, part: KeyRange): KnownRange {
  const within = (id: number) => (part.from === null || id >= JSON.parse(part.from)[0]) && (part.to === null || id < JSON.parse(part.to)[0])
  const lines = from
    .lines('Thing')
    .split('\n')
    .filter((line) => line !== '' && within(JSON.parse(line).id))
  const sha256 = createHash('sha256')
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest('hex')
  return { range: part, rows: lines.length, sha256, evidence: { method: 'sha256', values: { old: 'yes' } } }
}

/** Every key in exactly one decision, and the ends joined. */
function expectCover(decisions: readonly Decision<KnownRange>[]): void {
  const byStart = new Map(decisions.map((decision) => [decision.range.from, decision.range]))
  expect(byStart.size).toBe(decisions.length)
  let at: string | null = null
  for (let step = 0; step < decisions.length; step++) {
    const next: KeyRange | undefined = byStart.get(at)
    expect(next).toBeDefined()
    at = next!.to
    if (at === null) expect(step).toBe(decisions.length - 1)
  }
  expect(at).toBeNull()
}

describe('reconcile', () => {
  it('reads everything, in parts, when nothing is known', async () => {
    const decisions = await decide(store([1, 2, 3, 4, 5, 6, 7, 8]), new KeyImage<KnownRange>(), 4)
    expect(decisions.map((decision) => decision.action)).toEqual(['read', 'read', 'read', 'read'])
    expect(decisions.map((decision) => decision.range)).toEqual([range(null, 3), range(3, 5), range(5, 7), range(7, null)])
    expectCover(decisions)
  })

  it('does not ask for a split when one part will do', async () => {
    const from = store([1, 2, 3])
    from.step = ({ call }) => {
      if (call === 'split') throw new Error('not asked for')
    }
    expect(await decide(from, new KeyImage<KnownRange>(), 1)).toMatchObject([{ action: 'read', range: range(null, null), reason: 'new' }])
  })

  it('keeps to the pieces that an earlier attempt cut, and splits them no further', async () => {
    const image = new KeyImage<KnownRange>()
    image.cut(range(null, 4))
    const decisions = await decide(store([1, 2, 3, 4, 5, 6, 7, 8]), image, 4)
    expect(decisions.map((decision) => decision.range)).toEqual([range(null, 4), range(4, null)])
  })

  it('reuses what holds, under the evidence of the new view, and reads changed ranges and gaps', async () => {
    const from = store([1, 2, 3, 10, 11, 20, 21])
    const known = [range(null, 5), range(10, 20), range(20, null)].map((part) => knownNow(from, part))
    from.put('Thing', { id: 11, name: 'changed' })
    const decisions = await decide(from, KeyImage.of(known))
    expectCover(decisions)
    const byStart = new Map(decisions.map((decision) => [decision.range.from, decision]))
    expect(byStart.get(null)).toMatchObject({ action: 'reuse', known: known[0] })
    expect(byStart.get(key(5))).toMatchObject({ action: 'read', known: null, reason: 'new' })
    expect(byStart.get(key(10))).toMatchObject({ action: 'read', known: known[1], reason: 'digest' })
    expect(byStart.get(key(20))).toMatchObject({ action: 'reuse' })
    for (const decision of decisions) expect(decision.evidence.values).not.toHaveProperty('old')
    expect(decisions[0]).toMatchObject({ action: 'read', reason: 'new' })
  })

  it('reads what the store cannot decide, and what it does not answer for', async () => {
    const from = store([1, 2, 3, 10, 11])
    const image = () => KeyImage.of([knownNow(from, range(null, 5)), knownNow(from, range(5, null))])
    from.checking = 'undecided'
    expect((await decide(from, image())).map((decision) => decision.action)).toEqual(['read', 'read'])
    const view = await from.openView({ entities: [{ entity: 'Thing' }] })
    const silent = Object.assign(Object.create(view) as typeof view, {
      evidence: () => view.evidence('Thing'),
      async *check() {
        yield { index: 1, state: 'unchanged' as const, method: 'sha256' as const }
      },
    })
    const decisions = await collect(reconcile({ view: silent, entity: 'Thing', image: image(), parts: 1 }))
    expect(decisions).toMatchObject([
      { action: 'reuse', range: range(5, null) },
      { action: 'read', range: range(null, 5), reason: 'undecided' },
    ])
  })

  it('refuses a store whose parts or answers cannot be', async () => {
    const from = store([1, 2, 3])
    const view = await from.openView({ entities: [{ entity: 'Thing' }] })
    const lying = (answers: Partial<typeof view>) => Object.assign(Object.create(view) as typeof view, { evidence: () => view.evidence('Thing') }, answers)
    const run = (answers: Partial<typeof view>, image: KeyImage<KnownRange>) => collect(reconcile({ view: lying(answers), entity: 'Thing', image, parts: 4 }))
    for (const parts of [[], [range(null, 2)], [range(null, 2), range(3, null)], [range(null, null), range(null, null)]]) {
      await expect(run({ split: async () => parts }, new KeyImage())).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
    }
    const twice = async function* () {
      yield { index: 0, state: 'unchanged' as const, method: 'sha256' as const }
      yield { index: 0, state: 'changed' as const, method: 'sha256' as const }
    }
    await expect(run({ check: twice }, KeyImage.of([knownNow(from, range(null, null))]))).rejects.toMatchObject({ code: 'E_STORE_FAILED' })
  })

  it('covers all keys and never reuses a range that moved, for any history', async () => {
    const ids = fc.uniqueArray(fc.nat(60), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(
        ids,
        fc.uniqueArray(fc.nat(60), { maxLength: 8 }),
        fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
        ids,
        ids,
        async (rows, cuts, kept, deleted, updated) => {
          const from = store(rows)
          const bounds = [null, ...cuts.toSorted((a, b) => a - b), null]
          const known = bounds.slice(1).flatMap((to, index) => (kept[index] ? [knownNow(from, range(bounds[index]!, to))] : []))
          from.delete('Thing', (row) => deleted.includes(Number(row.id)))
          from.put('Thing', ...updated.map((id) => ({ id, name: 'new' })))
          const decisions = await decide(from, KeyImage.of(known), 3)
          expectCover(decisions)
          for (const decision of decisions) {
            if (decision.action === 'reuse') expect(knownNow(from, decision.range).sha256).toBe(decision.known.sha256)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
