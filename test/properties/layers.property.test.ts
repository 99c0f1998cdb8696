import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findRecord, findReferring, foldLayers, rangeKeys, readRange, ReferenceSearch, verifyRange } from '../../src/archive/index.ts'
import { memoryRepository } from '../support/archive-rig.ts'
import { deltaBetween, keyOf, layer, type LayeredEntry, linesOf, storeBase, type Thing } from '../support/layer-rig.ts'
import { joined } from '../support/record-batches.ts'

type Edit = { readonly do: 'insert' | 'update' | 'delete'; readonly at: number; readonly count: number; readonly note: string }

const edit: fc.Arbitrary<Edit> = fc.record({
  do: fc.constantFrom('insert', 'update', 'delete'),
  at: fc.nat(1000),
  count: fc.integer({ min: 1, max: 6 }),
  note: fc.string({ unit: 'binary', maxLength: 12 }),
})

/** Records have any order: only the database knows it. A key that was deleted may come back, at its place. */
function apply(things: readonly Thing[], edits: readonly Edit[], freshId: () => number): Thing[] {
  const next = [...things]
  for (const { do: kind, at, count, note } of edits) {
    const place = at % (next.length + 1)
    if (kind === 'insert') next.splice(place, 0, ...Array.from({ length: count }, () => ({ id: freshId(), owner: at % 3 === 0 ? null : at % 7, note })))
    if (kind === 'update') for (let i = place; i < Math.min(place + count, next.length); i++) next[i] = { ...next[i]!, note }
    if (kind === 'delete') next.splice(place, count)
  }
  return next
}

const ownedBy = (owner: number) => new ReferenceSearch([{ field: 'owner', values: [String(owner)] }])

describe('a layered range', () => {
  test('merges into what the database held, whatever changed', async () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 40 }),
      steps: fc.array(fc.array(edit, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
      compression: fc.constantFrom('zstd' as const, 'gzip' as const, 'none' as const),
      hashed: fc.boolean(),
      chunkBytes: fc.constantFrom(100, 1000, 1_000_000),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ rows, steps, compression, hashed, chunkBytes }) => {
        const { chunks } = (await memoryRepository()).scope()
        let id = 0
        const freshId = () => (id += 1 + (id % 3))
        let things: Thing[] = Array.from({ length: rows }, () => ({ id: freshId(), owner: id % 4 || null, note: `n${id}` }))
        let range: LayeredEntry = await storeBase(chunks, things, { compression })
        for (const edits of steps) {
          const after = apply(things, edits, freshId)
          const delta = await deltaBetween(things, after, { compression })
          if (!delta) continue
          const sha256 = hashed ? createHash('sha256').update(linesOf(after)).digest('hex') : null
          range = await layer(chunks, range, delta, { sha256 })
          things = after
          if (things.length === 0) break
        }
        expect(range).toMatchObject({ rows: things.length, firstKey: things[0] ? keyOf(things[0]) : null, lastKey: things[0] ? keyOf(things.at(-1)!) : null })
        expect((await joined(readRange(chunks, range))).toString()).toBe(linesOf(things).toString())
        expect([...(await rangeKeys(chunks, range)).keys()]).toEqual(things.map(keyOf))
        await verifyRange(chunks, range, { level: 'plain' })
        for (const { owner } of things) if (owner !== null) expect(await findReferring(chunks, range, ownedBy(owner))).not.toBeNull()
        const folded = await foldLayers(chunks, range, { compression, level: 1, references: ['owner'], keyFields: 1, chunkBytes })
        const whole = await Promise.all(folded.map(async ({ range: part }) => await joined(readRange(chunks, part))))
        expect(Buffer.concat(whole).toString()).toBe(linesOf(things).toString())
        for (const [i, { range: part, chunk }] of folded.entries()) {
          expect([part.from, part.to]).toEqual([i === 0 ? null : part.firstKey, folded[i + 1]?.range.firstKey ?? null])
          const index = await chunks.readIndex(chunk.ref)
          const held = whole[i]!.toString()
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Thing)
          expect([...index.keys()]).toEqual(held.map(keyOf))
          for (const { owner } of held) if (owner !== null) expect(index.mayReference('owner', String(owner))).toBe(true)
          for (const { owner } of held) if (owner !== null) expect(await findReferring(chunks, part, ownedBy(owner))).not.toBeNull()
          expect(index.mayReference('owner', 'null')).toBe(false)
        }
        for (let key = 0; key <= id; key++) {
          const thing = things.find((one) => one.id === key)
          const line = await findRecord(chunks, range, `[${key}]`)
          expect(line && `${Buffer.from(line).toString()}\n`).toBe(thing ? linesOf([thing]).toString() : null)
        }
      }),
      { numRuns: 100 },
    )
  })
})
